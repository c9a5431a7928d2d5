"""Points of an FCOS head, and the labels that a sample's boxes assign to them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from densefit.data.sample import Sample
from densefit.model.heads.head import Label

from ..anchors import Shapes, anchor_boxes, anchor_count
from ..dense_head import DenseHead
from .assign import IGNORE, Points, match_points, point_targets


class PointEncoding(DenseHead):
    """The part of `FCOS` that encodes boxes as classes, distances and centerness of points.

    Attributes:
        center_radius: see `FCOS`.
    """

    center_radius: float

    def shapes(self, input_size: tuple[int, int]) -> tuple[Shapes, ...]:
        """(width, height) of each level's cells: a point is an anchor of this size."""
        return tuple(((float(stride), float(stride)),) for stride in self.strides)

    def points(self, input_size: tuple[int, int]) -> Points:
        """Points of all levels for an input of (height, width)."""
        return _points(input_size, self.strides, self.center_radius)

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """`class` (P,): -1 ignored, 0 background, 1 + class; `box` (P, 4): distances in strides.

        `centerness` (P,); `known` (1 + classes,): 0 for classes that the sample does not annotate,
        else 1.
        """
        count = anchor_count(input_size, self.strides, self.shapes(input_size))
        annotated = Label("known", (1 + len(self.classes),))
        rows = [Label("class", (count,)), Label("box", (count, 4)), Label("centerness", (count,))]
        return [*rows, annotated]

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode the boxes as labels of all points; without a target `boxes` all are ignored."""
        height, width = sample.image.shape[:2]
        points, targets = self.points((height, width)), sample.targets
        if "boxes" in targets:
            self.check_classes(sample)
            boxes, classes = targets["boxes"], targets["classes"]
            difficult = None if self.train_difficult else targets.get("difficult")
            matched = match_points(points, boxes, difficult, targets.get("crowd"))
        else:
            boxes, classes = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
            matched = np.full(len(points.centers), IGNORE)
        labels, sides, centerness = point_targets(matched, points, boxes, classes)
        annotated = self.annotated_classes(sample)
        return {"class": labels, "box": sides, "centerness": centerness, "known": annotated}

    def positives(self, labels: Mapping[str, np.ndarray]) -> int:
        """Number of positive points."""
        return int(np.count_nonzero(labels["class"] > 0))


@lru_cache(maxsize=64)
def _points(input_size: tuple[int, int], strides: tuple[int, ...], radius: float) -> Points:
    """Points of all levels: each learns boxes whose farthest side is 4 to 8 strides away.

    The first level learns smaller boxes, too, and the last one larger ones.
    """
    cells = [((float(stride), float(stride)),) for stride in strides]
    boxes = anchor_boxes(input_size, strides, tuple(cells), at_corners=True)
    sides = boxes[:, 2] - boxes[:, 0]
    ranges = np.stack([sides * 4, sides * 8], axis=1)
    ranges[sides == strides[0], 0] = 0
    ranges[sides == strides[-1], 1] = math.inf
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    return Points(centers, sides, sides * np.float32(radius), ranges)
