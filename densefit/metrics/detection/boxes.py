"""Overlap of boxes, in double precision."""

from __future__ import annotations

import numpy as np


def areas(boxes: np.ndarray, offset: float = 0.0) -> np.ndarray:
    """Areas of (n, 4) xyxy boxes, (n,) float64, in square pixels.

    Args:
        boxes: right and bottom edges exclusive.
        offset: 1.0 for the older convention of inclusive edges in whole pixels.
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
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    sides = []
    for low, high in ((0, 2), (1, 3)):  # by plane: an axis of length two is three times as slow
        side = np.minimum(first[:, high, None], second[None, :, high])
        side -= np.maximum(first[:, low, None], second[None, :, low])
        side += offset
        sides.append(np.maximum(side, 0.0, out=side))
    common = sides[0] * sides[1]
    union = areas(first, offset)[:, None] + areas(second, offset)[None] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def coco_iou(predicted: np.ndarray, true: np.ndarray, crowd: np.ndarray) -> np.ndarray:
    """Overlap of predicted[i] with true[i], bit-equal to pycocotools (`bbIou`).

    >>> coco_iou(np.array([[0.0, 0, 10, 10]]), np.array([[0.0, 0, 10, 5]]), np.array([False]))
    array([0.5])

    Args:
        predicted: (p, 4) float64, x, y, width, height.
        true: (p, 4) float64, x, y, width, height.
        crowd: (p,) bool: the intersection is divided by the area of the predicted box.

    Returns:
        (p,) float64; 0 where the boxes share no area.
    """
    far = np.minimum(predicted[:, :2] + predicted[:, 2:], true[:, :2] + true[:, 2:])
    sides = far - np.maximum(predicted[:, :2], true[:, :2])
    meet = np.flatnonzero((sides > 0).all(axis=1))
    predicted, true = np.take(predicted, meet, axis=0), np.take(true, meet, axis=0)
    common = sides[meet, 0] * sides[meet, 1]
    area = predicted[:, 2] * predicted[:, 3]
    union = np.where(crowd[meet], area, area + true[:, 2] * true[:, 3] - common)
    overlap = np.zeros(len(sides))
    overlap[meet] = common / union
    return overlap
