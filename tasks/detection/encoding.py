"""Anchors of a detection head, and the labels that a sample's boxes assign to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from densefit.data.sample import Sample
from densefit.errors import ConfigError
from densefit.model.heads.head import Label

from .anchors import VARIANCES, Shapes, anchor_boxes, anchor_count, anchor_shapes
from .assign import IGNORE, anchor_targets, match_anchors
from .box_head import BoxHead


class BoxEncoding(BoxHead):
    """The part of a detector that encodes boxes as classes and offsets of anchors.

    Its other attributes are settings of `Detection`.

    Attributes:
        at_corners: position of the anchors, see `cell_positions`.
        low_quality_matches: see `match_anchors`.
        variances: scales of the four offsets.
    """

    at_corners: ClassVar[bool] = False
    low_quality_matches: ClassVar[bool] = False
    variances: ClassVar[tuple[float, float, float, float]] = VARIANCES

    strides: tuple[int, ...]
    sizes: tuple[tuple[float, ...], ...]
    sizes_relative_to: str
    ratios: tuple[float, ...]
    every_ratio: bool
    iou_positive: float
    iou_negative: float

    def shapes(self, input_size: tuple[int, int]) -> tuple[Shapes, ...]:
        """(width, height) of each level's anchors, in input pixels."""
        levels = []
        for stride, sizes in zip(self.strides, self.sizes):
            unit = stride if self.sizes_relative_to == "stride" else min(input_size)
            scaled = [size * unit for size in sizes]
            levels.append(anchor_shapes(scaled, self.ratios, self.every_ratio))
        return tuple(levels)

    def check_teacher(self, teacher: Any, where: str) -> None:
        """Raise ConfigError if the teacher's anchors are others: its outputs mean other boxes."""
        ours, theirs = ((head.strides, head.shapes((256, 256))) for head in (self, teacher))
        if ours != theirs:
            raise ConfigError(
                "The teacher has other anchors",
                expected=f"strides {ours[0]}, sides {ours[1]}",
                received=f"strides {theirs[0]}, sides {theirs[1]}",
                where=where,
                fix="give both heads the same strides, sizes and ratios",
            )

    def anchors(self, input_size: Sequence[int]) -> np.ndarray:
        """All anchors, (A, 4) float32 xyxy in input pixels."""
        height, width = input_size
        size = (height, width)
        return anchor_boxes(size, self.strides, self.shapes(size), self.at_corners)

    def anchor_count(self, input_size: tuple[int, int]) -> int:
        """Number of anchors A."""
        return anchor_count(input_size, self.strides, self.shapes(input_size))

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """`class` (A,): -1 ignored, 0 background, 1 + class; `box` (A, 4): offsets.

        `known` (1 + classes,): 0 for classes that the sample does not annotate, else 1.
        """
        count = self.anchor_count(input_size)
        annotated = Label("known", (1 + len(self.classes),))
        return [Label("class", (count,)), Label("box", (count, 4)), annotated]

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode the boxes as labels of all anchors; without a target `boxes` all are ignored."""
        anchors = self.anchors(sample.image.shape[:2])
        if "boxes" not in sample.targets:
            ignored = np.full(len(anchors), IGNORE, np.float32)
            offsets = np.zeros((len(anchors), 4), np.float32)
            return {"class": ignored, "box": offsets, "known": self.annotated_classes(sample)}
        boxes, classes = sample.targets["boxes"], sample.targets["classes"]
        labels, offsets = anchor_targets(
            self.match_anchors(sample), anchors, boxes, classes, self.variances
        )
        return {"class": labels, "box": offsets, "known": self.annotated_classes(sample)}

    def match_anchors(self, sample: Sample) -> np.ndarray:
        """(A,) int64, the box assigned to each anchor: -1 ignored, 0 background, 1 + index.

        Args:
            sample: a sample with the target `boxes`.

        Raises:
            DataError: a class index out of range.
        """
        self.check_classes(sample)
        targets = sample.targets
        return match_anchors(
            self.anchors(sample.image.shape[:2]),
            targets["boxes"],
            ignored=None if self.train_difficult else targets.get("difficult"),
            crowd=targets.get("crowd"),
            iou_positive=self.iou_positive,
            iou_negative=self.iou_negative,
            low_quality=self.low_quality_matches,
        )

    def positives(self, labels: Mapping[str, np.ndarray]) -> int:
        """Number of positive anchors."""
        return int(np.count_nonzero(labels["class"] > 0))
