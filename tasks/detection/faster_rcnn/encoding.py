"""Labels of Faster R-CNN: sampled anchors with their offsets, and the boxes of the image."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from densefit.data.sample import Sample
from densefit.model.heads.head import Label
from densefit.tasks.detection.anchors import Shapes, encode_boxes, level_size
from densefit.tasks.detection.assign import match_anchors
from densefit.tasks.detection.box_head import BoxHead

from .anchor_sampling import sample_anchors
from .anchors import anchor_shapes, grid_anchors
from .truth import CROWD, IGNORED, NO_BOX, truth_rows

#: Offsets of anchors are as they are.
UNSCALED = (1.0, 1.0, 1.0, 1.0)


class RegionEncoding(BoxHead):
    """The part of `FasterRCNN` that encodes boxes.

    Its attributes are settings of `FasterRCNN`.

    Attributes:
        truth_targets: further targets of each box, a column of the label `truth` each.
    """

    truth_targets: tuple[str, ...] = ()
    strides: tuple[int, ...]
    sizes: tuple[tuple[float, ...], ...]
    sizes_relative_to: str
    ratios: tuple[float, ...]
    anchor_iou_positive: float
    anchor_iou_negative: float
    sampled_anchors: int
    proposals: int
    proposal_candidates: int
    max_boxes: int

    def shapes(self, input_size: tuple[int, int]) -> tuple[Shapes, ...]:
        """(width, height) of each level's anchors, in input pixels."""
        levels = []
        for stride, sizes in zip(self.strides, self.sizes):
            unit = stride if self.sizes_relative_to == "stride" else min(input_size)
            levels.append(anchor_shapes([size * unit for size in sizes], self.ratios))
        return tuple(levels)

    def anchors(self, input_size: Sequence[int]) -> np.ndarray:
        """All anchors, (A, 4) float32 xyxy in input pixels."""
        height, width = input_size
        return grid_anchors((height, width), self.strides, self.shapes((height, width)))

    def anchor_counts(self, input_size: tuple[int, int]) -> list[int]:
        """Number of anchors of each level."""
        sizes = [level_size(input_size, stride) for stride in self.strides]
        shapes = self.shapes(input_size)
        return [height * width * len(each) for (height, width), each in zip(sizes, shapes)]

    def candidate_counts(self, input_size: tuple[int, int]) -> list[int]:
        """Number of candidates of each level."""
        counts = self.anchor_counts(input_size)
        return [min(self.proposal_candidates, count) for count in counts]

    def proposal_count(self, input_size: tuple[int, int]) -> int:
        """Number of proposals of an image."""
        return min(self.proposals, sum(self.candidate_counts(input_size)))

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """Sampled anchors, the boxes of the image, and the priority of each box to be sampled.

        `anchor` (S,): indices; `objectness` (S,): 1, 0, or -1 for unused rows; `offset` (S, 4).
        `truth` (max_boxes, 5): [x1, y1, x2, y2, class], or a code below 0 in place of the class;
        behind them the columns of `truth_targets`.
        `priority` (proposals + max_boxes,): different numbers between 0 and 1. `known`
        (1 + classes,): 0 for classes that the sample does not annotate, else 1; all 0 without a
        target `boxes`.
        """
        count = self.sampled_anchors
        return [
            Label("anchor", (count,)),
            Label("objectness", (count,)),
            Label("offset", (count, 4)),
            Label("truth", (self.max_boxes, 5 + len(self.truth_targets))),
            Label("priority", (self.proposal_count(input_size) + self.max_boxes,)),
            Label("known", (1 + len(self.classes),)),
        ]

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Match and sample anchors, and list the boxes.

        Random choices are seeded with the image and its boxes: the same for the same sample,
        others for every augmented version of it.

        Raises:
            DataError: a class index out of range, or more boxes than `max_boxes`.
        """
        height, width = sample.image.shape[:2]
        arrays = {
            label.name: np.zeros(label.shape, np.float32) for label in self.labels((height, width))
        }
        arrays["objectness"][:] = -1
        arrays["truth"][:, 4] = NO_BOX
        if "boxes" not in sample.targets:
            return arrays
        self.check_classes(sample)
        arrays["known"][:] = self.annotated_classes(sample)
        boxes = np.asarray(sample.targets["boxes"], np.float32).reshape(-1, 4)
        none = np.zeros(len(boxes), bool)
        crowd = np.asarray(sample.targets.get("crowd", none), bool)
        difficult = none if self.train_difficult else sample.targets.get("difficult", none)
        ignored = np.asarray(difficult, bool) & ~crowd
        rng = np.random.default_rng(zlib.crc32(boxes.tobytes(), zlib.crc32(sample.image.tobytes())))
        priorities = rng.permutation(len(arrays["priority"])) + 1
        arrays["priority"][:] = priorities / (len(priorities) + 1)

        codes = np.where(crowd, CROWD, np.where(ignored, IGNORED, sample.targets["classes"]))
        where = f"sample {sample.id!r}, head {self.name!r}"
        more = [sample.targets.get(name, none) for name in self.truth_targets]
        columns = np.column_stack([boxes, codes, *more])
        arrays["truth"] = truth_rows(columns, self.max_boxes, where)
        anchors = self.anchors((height, width))
        limits = self.anchor_iou_positive, self.anchor_iou_negative
        matched = match_anchors(anchors, boxes, ignored, crowd, *limits, low_quality=True)
        chosen = sample_anchors(matched, self.sampled_anchors, 0.5, rng)
        arrays["anchor"][: len(chosen)] = chosen
        arrays["objectness"][: len(chosen)] = matched[chosen] > 0
        positive = chosen[matched[chosen] > 0]  # the first ones
        offsets = encode_boxes(boxes[matched[positive] - 1], anchors[positive], UNSCALED)
        arrays["offset"][: len(positive)] = offsets
        return arrays

    def positives(self, labels: Mapping[str, np.ndarray]) -> int:
        """Number of sampled positive anchors."""
        return int(np.count_nonzero(labels["objectness"] > 0))
