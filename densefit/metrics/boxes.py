"""Overlap of boxes, in double precision."""

from __future__ import annotations

import numpy as np


def areas(boxes: np.ndarray, offset: float = 0.0) -> np.ndarray:
    """Areas of (n, 4) xyxy boxes, (n,) float64, in square pixels.

    Args:
        boxes: right and bottom edges exclusive.
        offset: 1.0 for the older convention of edges that are inclusive whole pixels.
    """
    boxes = np.asarray(boxes, np.float64)
    return (boxes[:, 2] - boxes[:, 0] + offset) * (boxes[:, 3] - boxes[:, 1] + offset)


def pairwise_iou(first: np.ndarray, second: np.ndarray, offset: float = 0.0) -> np.ndarray:
    """Intersection over union of every pair; 0 where both boxes are empty.

    >>> pairwise_iou(np.array([[0, 0, 10, 10]]), np.array([[0, 0, 10, 5], [20, 0, 30, 5]]))
    array([[0.5, 0. ]])

    Args:
        first: (n, 4) xyxy.
        second: (m, 4) xyxy.
        offset: see `areas`.

    Returns:
        (n, m) float64.
    """
    first = np.asarray(first, np.float64)[:, None]
    second = np.asarray(second, np.float64)[None]
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., 2:], second[..., 2:])
    sides = np.maximum(high - low + offset, 0.0)
    common = sides[..., 0] * sides[..., 1]
    union = areas(first[:, 0], offset)[:, None] + areas(second[0], offset)[None] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)
