"""Object keypoint similarity."""

from __future__ import annotations

import numpy as np

# Standard deviation of annotations of COCO's 17 keypoints, as a share of the object's size:
# nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles.
COCO_SIGMAS = (
    np.array(
        [0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72]
        + [0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89]
    )
    / 10.0
)


def oks(
    predicted: np.ndarray,
    truth: np.ndarray,
    boxes: np.ndarray,
    areas: np.ndarray,
    sigmas: np.ndarray,
) -> np.ndarray:
    """Object keypoint similarity of pairs, bit-equal to `COCOeval.computeOks`.

    The mean of exp(-d**2 / (2 * area * (2 * sigma)**2)) over the visible true keypoints. If none
    is visible, d is the distance of each predicted keypoint to the true box, doubled on all sides.

    >>> true = np.array([[[10.0, 10.0, 2.0], [0.0, 0.0, 0.0]]])
    >>> predicted = np.array([[[10.0, 10.0], [99.0, 99.0]]])
    >>> box = np.array([[0.0, 0.0, 20.0, 20.0]])
    >>> oks(predicted, true, box, np.array([400.0]), np.array([0.05, 0.05]))
    array([1.])

    Args:
        predicted: (p, K, 2) float64 x, y.
        truth: (p, K, 3) float64 x, y, visibility: visible if above 0.
        boxes: (p, 4) float64 x, y, width, height of the true objects.
        areas: (p,) float64 of the true objects, in square pixels.
        sigmas: (K,) float64.

    Returns:
        (p,) float64 between 0 and 1.
    """
    visible = truth[:, :, 2] > 0
    counts = visible.sum(axis=1)
    away = predicted - truth[:, :, :2]
    none = np.flatnonzero(counts == 0)
    if len(none):
        corner, size = boxes[none, None, :2], boxes[none, None, 2:]
        low, high, points = corner - size, corner + size * 2, predicted[none]
        away[none] = np.maximum(0, low - points) + np.maximum(0, points - high)
        visible[none], counts[none] = True, visible.shape[1]
    spread = (sigmas * 2) ** 2
    error = (away[:, :, 0] ** 2 + away[:, :, 1] ** 2) / spread
    error = error / (areas + np.spacing(1))[:, None] / 2
    likeness = np.empty(len(predicted))
    # Rows with equally many keypoints together: terms are added in the same order as for one row.
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        terms = np.exp(-error[rows][visible[rows]]).reshape(-1, count)
        likeness[rows] = terms.sum(axis=1) / count
    return likeness
