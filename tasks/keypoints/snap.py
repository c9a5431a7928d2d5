"""Keypoints as seen from an object's centre, moved to the peaks of their heat maps. Numpy only.

Zhou et al., "Objects as Points", arXiv:1904.07850, section 4.2: from the centre it is known whose
a keypoint is, from its own heat map where exactly.
"""

from __future__ import annotations

import numpy as np

REACH = 0.3  # parts of the box's longer side


def snap_to_peaks(
    points: np.ndarray, boxes: np.ndarray, peaks: np.ndarray, threshold: float
) -> np.ndarray:
    """Each keypoint at the nearest peak of its heat map, if there is a good one.

    A peak is good if its probability is at least `threshold`, and it lies in the object's box, and
    not further away than 0.3 of the box's longer side. Other keypoints stay as they are.

    >>> points = np.array([[[4.0, 4.0, 0.2]]])
    >>> snapped(points, np.array([[0.0, 0, 20, 20]]), np.array([[[5.0, 6.0, 0.9]]]), 0.1).tolist()
    [[[5.0, 6.0, 0.9]]]

    Args:
        points: (m, K, 3) x, y and confidence, of m objects.
        boxes: (m, 4) xyxy.
        peaks: (K, P, 3) x, y and probability.
        threshold: see above.

    Returns:
        (m, K, 3); the confidence of a keypoint that was moved is the peak's probability.
    """
    away = points[:, :, None, :2] - peaks[None, :, :, :2]
    distance = np.hypot(away[..., 0], away[..., 1])  # (m, K, P)
    place = peaks[None, :, :, :2]
    low, high = boxes[:, None, None, :2], boxes[:, None, None, 2:]
    good = ((place >= low) & (place <= high)).all(axis=-1) & (peaks[None, :, :, 2] >= threshold)
    reach = REACH * (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0)
    good &= distance <= reach[:, None, None]
    nearest = np.where(good, distance, np.inf).argmin(axis=2)  # (m, K)
    taken = np.take_along_axis(good, nearest[..., None], axis=2)
    chosen = peaks[np.arange(len(peaks))[None], nearest]  # (m, K, 3)
    return np.where(taken, chosen, points)
