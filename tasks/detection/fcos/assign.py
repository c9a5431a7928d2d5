"""Assign the boxes of one image to points. Numpy only.

Tian et al., "FCOS: A Simple and Strong Anchor-free Object Detector", TPAMI 2020, section 3.1.
Runs in the loader's workers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

IGNORE = -1


@dataclass(frozen=True)
class Points:
    """Cells of all levels, each a point of the input.

    Attributes:
        centers: (P, 2) float32 x, y in input pixels.
        strides: (P,) float32.
        radius: (P,) float32, distance in x and y below which a box's centre must be.
        ranges: (P, 2) float32, exclusive limits of the distance to a box's farthest side.
    """

    centers: np.ndarray
    strides: np.ndarray
    radius: np.ndarray
    ranges: np.ndarray

    def distances(self, boxes: np.ndarray) -> np.ndarray:
        """(4, n, P) float32 distances to the left, top, right and bottom side of (n, 4) boxes."""
        x, y = self.centers.T
        x1, y1, x2, y2 = np.asarray(boxes, np.float32).reshape(-1, 4).T[..., None]
        return np.stack([x - x1, y - y1, x2 - x, y2 - y])

    def responsible(self, boxes: np.ndarray) -> np.ndarray:
        """(n, P) bool: whether a point is in the box, near its centre, and of the right level."""
        left, top, right, bottom = self.distances(boxes)
        nearest = np.minimum(np.minimum(left, right), np.minimum(top, bottom))
        farthest = np.maximum(np.maximum(left, right), np.maximum(top, bottom))
        # Half the difference of opposite distances is the distance from the centre.
        away = np.maximum(np.abs(left - right), np.abs(top - bottom)) / 2
        low, high = self.ranges.T
        fits = (farthest > low) & (farthest < high)
        return np.asarray((nearest > 0) & (away < self.radius) & fits)


def match_points(
    points: Points,
    boxes: np.ndarray,
    ignored: np.ndarray | None = None,
    crowd: np.ndarray | None = None,
) -> np.ndarray:
    """The box assigned to each point: of several the smallest, of equal ones the first.

    Args:
        points: points of all levels.
        boxes: (n, 4) float32 xyxy, in input pixels. Boxes without area match nothing.
        ignored: (n,) bool, boxes that are neither learned nor background.
        crowd: (n,) bool, boxes around groups: points in one are ignored unless they are positive.

    Returns:
        (P,) int64: -1 ignored, 0 background, 1 + index of the box.
    """
    labels = np.zeros(len(points.centers), np.int64)
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    if not len(boxes):
        return labels
    none = np.zeros(len(boxes), bool)
    crowd = none if crowd is None else np.asarray(crowd, bool)
    ignored = none if ignored is None else np.asarray(ignored, bool) & ~crowd
    labels[(points.distances(boxes[crowd]).min(axis=0) > 0).any(axis=0)] = IGNORE
    labels[points.responsible(boxes[ignored]).any(axis=0)] = IGNORE
    learned = np.flatnonzero(~crowd & ~ignored)
    if not len(learned):
        return labels
    sides = boxes[learned, 2:] - boxes[learned, :2]
    area = np.where(points.responsible(boxes[learned]), sides.prod(axis=1)[:, None], np.inf)
    smallest = area.argmin(axis=0)
    positive = np.flatnonzero(area.min(axis=0) < np.inf)
    labels[positive] = learned[smallest[positive]] + 1
    return labels


def point_targets(
    matched: np.ndarray, points: Points, boxes: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class, box and centerness targets of all points.

    Args:
        matched: (P,) result of `match_points`.
        points: points of all levels.
        boxes: (n, 4) float32 xyxy, in input pixels.
        classes: (n,) int, from 0.

    Returns:
        (P,) float32: -1 ignored, 0 background, 1 + class; (P, 4) float32 distances to the left,
        top, right and bottom side in strides; (P,) float32 centerness, 0 to 1 (equation 3 of the
        paper). The latter two are 0 where the point is not positive.
    """
    labels = np.minimum(matched, 0).astype(np.float32)
    sides = np.zeros((len(matched), 4), np.float32)
    centerness = np.zeros(len(matched), np.float32)
    index = np.flatnonzero(matched > 0)
    source = matched[index] - 1
    labels[index] = np.asarray(classes)[source] + 1
    x1, y1, x2, y2 = np.asarray(boxes, np.float32).reshape(-1, 4)[source].T
    x, y = points.centers[index].T
    distances = np.stack([x - x1, y - y1, x2 - x, y2 - y])
    sides[index] = (distances / points.strides[index]).T
    pairs = distances[:2], distances[2:]
    shares = np.minimum(*pairs) / np.maximum(*pairs)
    centerness[index] = np.sqrt(shares[0] * shares[1])
    return labels, sides, centerness
