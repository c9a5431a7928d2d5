"""Move regressed keypoints to the peaks of their heat maps. Numpy only.

Zhou et al., "Objects as Points", arXiv:1904.07850, section 4.2: the regression assigns a keypoint
to an object, its heat map locates it.
"""

from __future__ import annotations

import numpy as np

REACH = 0.3  # maximum distance, relative to the box's longer side


def snap_to_peaks(
    points: np.ndarray, boxes: np.ndarray, peaks: np.ndarray, threshold: float
) -> np.ndarray:
    """Move each keypoint to the nearest valid peak of its heat map.

    A peak is valid if its probability is at least `threshold`, it lies in the object's box, and its
    distance is at most 0.3 of the box's longer side. Without a valid peak a keypoint is unchanged.

    >>> points = np.array([[[4.0, 4.0, 0.2]]])
    >>> boxes, peaks = np.array([[0.0, 0, 20, 20]]), np.array([[[5.0, 6.0, 0.9]]])
    >>> snap_to_peaks(points, boxes, peaks, 0.1).tolist()
    [[[5.0, 6.0, 0.9]]]

    Args:
        points: (m, K, 3) x, y and confidence, of m objects.
        boxes: (m, 4) xyxy.
        peaks: (K, P, 3) x, y and probability.
        threshold: lowest probability of a peak.

    Returns:
        (m, K, 3); the confidence of a moved keypoint is the peak's probability.
    """
    offset = points[:, :, None, :2] - peaks[None, :, :, :2]
    distance = np.hypot(offset[..., 0], offset[..., 1])  # (m, K, P)
    position = peaks[None, :, :, :2]
    low, high = boxes[:, None, None, :2], boxes[:, None, None, 2:]
    valid = ((position >= low) & (position <= high)).all(axis=-1) & (
        peaks[None, :, :, 2] >= threshold
    )
    reach = REACH * (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0)
    valid &= distance <= reach[:, None, None]
    nearest = np.where(valid, distance, np.inf).argmin(axis=2)  # (m, K)
    is_moved = np.take_along_axis(valid, nearest[..., None], axis=2)
    chosen = peaks[np.arange(len(peaks))[None], nearest]  # (m, K, 3)
    return np.where(is_moved, chosen, points)
