"""The parts of the Faster R-CNN network, in the order of their computation. Symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.model.heads.head import Features
from densefit.symbol import sym
from densefit.tasks.detection.checks import check_exact_count
from densefit.tasks.detection.fpn import pyramid_levels

from ..boxes import encode, rows_at
from ..label_shape import sample_zeros, shaped_label
from .anchors import level_anchors
from .detections import BOX_WEIGHTS
from .encoding import RegionEncoding
from .layers import box_predictions, region_proposals
from .loss import class_loss, objectness_loss, offset_loss
from .proposals import proposals
from .roi_align import roi_align, roi_corners
from .sampling import Samples, match, sample, unit_where, with_truth

#: Bins of a box's features in each direction.
POOLED = 7


class RegionNetwork(RegionEncoding):
    """The layers and losses of `FasterRCNN`.

    Its attributes are settings of `FasterRCNN`.
    """

    channels: int
    hidden: int
    proposal_nms_iou: float
    iou_positive: float
    sampled: int
    positive_fraction: float
    canonical_size: float

    def levels(self, features: Features) -> list[Any]:
        """Feature maps (B, channels, H/stride, W/stride), one per level."""
        return pyramid_levels(self.name, features, self.strides, self.channels, pooled=True)

    def region_levels(self, features: Features) -> list[int]:
        """Strides of the levels from which the features of boxes are taken."""
        return [stride for stride in self.strides if stride in features.maps]

    def regions(self, features: Features, levels: Sequence[Any], boxes: Any, size: int) -> Any:
        """(B * K, channels, size, size) features of boxes (B, K, 4)."""
        strides = self.region_levels(features)
        where = f"head {self.name!r}, input {features.input_size}"
        corners = roi_corners(boxes, features.input_size, strides, size, self.canonical_size, where)
        return roi_align(levels[: len(strides)], corners, size)

    def anchor_predictions(self, levels: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Objectness logits (B, A) and offsets (B, A, 4) of each level's anchors."""
        anchors = len(self.ratios) * len(self.sizes[0])
        return region_proposals(self.name, levels, self.channels, anchors)

    def propose(
        self, scores: Sequence[Any], offsets: Sequence[Any], input_size: tuple[int, int]
    ) -> tuple[Any, Any]:
        """Proposals (B, P, 4), and which of the rows are used (B, P); no gradient."""
        where = f"head {self.name!r}, input {input_size}"
        check_exact_count(sum(self.anchor_counts(input_size)), "anchors", where)
        return proposals(
            scores,
            offsets,
            [
                level_anchors(input_size, *level)
                for level in zip(self.strides, self.shapes(input_size))
            ],
            self.candidate_counts(input_size),
            self.proposal_count(input_size),
            self.proposal_nms_iou,
            input_size,
        )

    def box_predictions(self, regions: Any, boxes: int) -> tuple[Any, Any]:
        """Class logits (B, boxes, 1 + classes) and offsets (B, boxes, 1 + classes, 4)."""
        return box_predictions(self.name, regions, boxes, self.hidden, len(self.classes))

    def shaped_labels(
        self, features: Features, levels: Sequence[Any], labels: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The labels that `losses` reads; see `shaped_label`."""
        zeros = sample_zeros(levels[0])
        shapes = {label.name: label.shape for label in self.labels(features.input_size)}
        return {name: shaped_label(labels[name], shape, zeros) for name, shape in shapes.items()}

    def losses(
        self,
        features: Features,
        levels: Sequence[Any],
        labels: Mapping[str, Any],
    ) -> tuple[dict[str, Any], Samples]:
        """Loss terms, and the boxes that are trained.

        Args:
            features: feature maps of the backbone.
            levels: feature maps of `levels`.
            labels: of `shaped_labels`.
        """
        scores, offsets = self.anchor_predictions(levels)
        boxes = self.sample(*self.propose(scores, offsets, features.input_size), labels, features)
        regions = self.regions(features, levels, boxes.boxes, POOLED)
        losses = {
            **self.anchor_losses(scores, offsets, labels),
            **self.box_losses(regions, boxes, labels, features.input_size),
        }
        return losses, boxes

    def anchor_losses(
        self, scores: Sequence[Any], offsets: Sequence[Any], labels: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Losses of the sampled anchors from the results of `anchor_predictions`."""
        index, target = labels["anchor"], labels["objectness"]
        logits = sym.expand_dims(sym.concat(*scores, dim=1), axis=2)
        logits = sym.reshape(rows_at(logits, index), shape=(0, -1))
        predicted = rows_at(sym.concat(*offsets, dim=1), index)
        return {
            "objectness_loss": objectness_loss(logits, target),
            "proposal_loss": offset_loss(predicted, labels["offset"], target),
        }

    def sample_counts(self, input_size: tuple[int, int]) -> tuple[int, int]:
        """Positive boxes at most, and boxes, that an image trains."""
        count = min(self.sampled, self.proposal_count(input_size) + self.max_boxes)
        positives = max(int(self.sampled * self.positive_fraction), 1)
        return min(positives, count), count

    def sample(
        self, boxes: Any, is_box: Any, labels: Mapping[str, Any], features: Features
    ) -> Samples:
        """Boxes that are trained, of the proposals and the ground truth."""
        truth = labels["truth"]
        boxes, is_box = with_truth(boxes, is_box, truth)
        target, matched = match(boxes, is_box, truth, self.iou_positive)
        # Nothing is known of a sample without boxes.
        is_labelled = sym.slice_axis(labels["known"], axis=1, begin=0, end=1)
        target = sym.broadcast_mul(target + 1, is_labelled) - 1
        counts = self.sample_counts(features.input_size)
        return sample(boxes, target, matched, labels["priority"], *counts)

    def box_losses(
        self, regions: Any, boxes: Samples, labels: Mapping[str, Any], input_size: tuple[int, int]
    ) -> dict[str, Any]:
        """Losses of the sampled boxes from their features."""
        _, count = self.sample_counts(input_size)
        scores, offsets = self.box_predictions(regions, count)
        truth = sym.slice_axis(boxes.truth, axis=2, begin=0, end=4)
        positive = boxes.target > 0
        expected = encode(
            unit_where(truth, positive),
            unit_where(boxes.boxes, positive),
            BOX_WEIGHTS,
        )
        of_class = sym.one_hot(sym.maximum(boxes.target, 0), depth=1 + len(self.classes))
        moved = sym.sum(sym.broadcast_mul(offsets, sym.expand_dims(of_class, axis=3)), axis=2)
        return {
            "class_loss": class_loss(scores, boxes.target, labels["known"]),
            "box_loss": offset_loss(moved, sym.BlockGrad(expected), boxes.target),
        }
