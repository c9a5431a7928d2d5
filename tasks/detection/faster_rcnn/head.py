"""The Faster R-CNN head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.data.classes.class_lists import are_numbers
from densefit.model.heads.head import Features, class_names, heads, named_rows
from densefit.tasks.detection.checks import check_exact_count, sizes_per_level

from .checks import check_settings
from .detections import detections
from .network import POOLED, RegionNetwork


@heads.register("faster_rcnn")
class FasterRCNN(RegionNetwork):
    """Boxes with classes and scores: Faster R-CNN with a feature pyramid.

    A region proposal network finds boxes of any class; their features give classes and better
    boxes (Ren et al., NeurIPS 2015; Lin et al., CVPR 2017). The layers, and with the same sampled
    boxes the losses, are those of torchvision's `fasterrcnn_resnet50_fpn`; that has channels 256,
    hidden 1024, proposals 2000 in training and 1000 else, as many candidates, and sampled 512: the
    defaults are for CPUs. The region proposal network learns background from all samples with
    boxes, also where they lack some of the classes.

    Predictions are dicts: `boxes` (m, 4) float32 xyxy in original pixels, `scores` (m,) float32,
    `classes` (m,) int64, by falling score.

    Args:
        classes: the classes without the background: names, or their number.
        name: prefix of labels, outputs, parameters and scores.
        weight: factor on the head's losses.
        strides: strides of the levels, each twice the previous one. Levels that the backbone lacks
            are every second cell of the one before, and have proposals only.
        sizes: sides of the square anchors: one list for all levels, or a list for each level.
        sizes_relative_to: "stride", or "input" for fractions of the input's shorter side (then
            give a list for each level).
        ratios: width : height of the anchors.
        channels: channels of the levels.
        hidden: units of the two hidden layers for each box.
        anchor_iou_positive: lowest IoU with a box of a positive anchor; the anchors with the
            highest IoU of a box are positive, too.
        anchor_iou_negative: anchors below this IoU with all boxes are background; anchors in
            between are ignored.
        sampled_anchors: trained anchors per image; at most half of them are positive.
        proposal_candidates: number of best anchors of each level that enter the NMS of proposals.
        proposal_nms_iou: IoU above which the worse of two proposals of a level is dropped.
        proposals: maximum number of proposals per image.
        iou_positive: lowest IoU with a box of a positive proposal; others are background.
        sampled: trained proposals per image.
        positive_fraction: largest part of positive ones in them.
        max_boxes: maximum number of annotated boxes per image; more are an error.
        canonical_size: side in pixels of the boxes whose features are of stride 16; boxes of half
            the side are one level below.
        train_difficult: whether to learn boxes marked as difficult; else they are ignored.
        score_threshold: detections below are dropped; keep it low for a full AP curve.
        nms_iou: IoU above which the worse of two boxes of a class is dropped.
        max_detections: maximum number of detections per image.
        candidates: number of best pairs of proposal and class that enter the NMS of detections.
        metric: "coco" (AP over IoU .50 to .95), "voc" (AP at IoU .5, the area under the curve, as
            in VOC 2010 and later), "voc07" (the same by 11 points, as in VOC 2007) or "both"
            ("coco" and "voc").
        draw_threshold: lowest score that `draw` shows. Default of the tools: the score at which F1
            is highest on the scored data.
        target: name of the boxes to learn, so that two heads can learn different ones; their
            classes and flags have names that begin alike: `room_boxes`, `room_classes`, ...
    """

    def __init__(
        self,
        classes: int | Sequence[str],
        name: str = "faster_rcnn",
        weight: float = 1.0,
        strides: Sequence[int] = (4, 8, 16, 32, 64),
        sizes: Sequence[float] | Sequence[Sequence[float]] = (8.0,),
        sizes_relative_to: str = "stride",
        ratios: Sequence[float] = (2.0, 1.0, 0.5),
        channels: int = 128,
        hidden: int = 512,
        anchor_iou_positive: float = 0.7,
        anchor_iou_negative: float = 0.3,
        sampled_anchors: int = 256,
        proposal_candidates: int = 500,
        proposal_nms_iou: float = 0.7,
        proposals: int = 300,
        iou_positive: float = 0.5,
        sampled: int = 128,
        positive_fraction: float = 0.25,
        max_boxes: int = 100,
        canonical_size: float = 224.0,
        train_difficult: bool = True,
        score_threshold: float = 0.01,
        nms_iou: float = 0.5,
        max_detections: int = 100,
        candidates: int = 400,
        metric: str = "coco",
        draw_threshold: float = 0.5,
        target: str = "boxes",
    ) -> None:
        self.classes = class_names(classes)
        self.name = name
        self.weight = weight
        self.strides = tuple(strides)
        self.sizes = sizes_per_level(sizes, self.strides)
        self.sizes_relative_to = sizes_relative_to
        self.ratios = tuple(ratios)
        self.channels, self.hidden = channels, hidden
        self.anchor_iou_positive = anchor_iou_positive
        self.anchor_iou_negative = anchor_iou_negative
        self.sampled_anchors = sampled_anchors
        self.proposal_candidates = proposal_candidates
        self.proposal_nms_iou = proposal_nms_iou
        self.proposals = proposals
        self.iou_positive = iou_positive
        self.sampled, self.positive_fraction = sampled, positive_fraction
        self.max_boxes = max_boxes
        self.canonical_size = canonical_size
        self.train_difficult = train_difficult
        self.score_threshold, self.nms_iou = score_threshold, nms_iou
        self.max_detections, self.candidates = max_detections, candidates
        self.metric = metric
        self.draw_threshold = draw_threshold
        self.learn_boxes(target)
        check_settings(self)
        self.output_stride = min(32, max(self.strides))

    def class_rows(self) -> dict[str, list[Any]]:
        """Classes of the rows of the class scores, and of the offsets of each class."""
        names = self.names(str(self.class_target))
        if are_numbers(names):
            return {}
        rows = [None, *names]
        offsets = [(index, row) for row in rows for index in range(4)]
        return {
            **named_rows(rows, f"{self.name}_class"),
            **named_rows(offsets, f"{self.name}_box"),
        }

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`objectness_loss`, `proposal_loss`, `class_loss` and `box_loss`, (B,) each.

        Per sampled anchor, or per sampled box of the image.
        """
        levels = self.levels(features)
        labels = self.shaped_labels(features, levels, labels)
        return self.losses(features, levels, labels)[0]

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`boxes` (B, max_detections, 6) [class, score, x1, y1, x2, y2] in input pixels."""
        return {"boxes": self.detect(features, self.levels(features))}

    def detect(self, features: Features, levels: Sequence[Any]) -> Any:
        """The rows of `evaluate` from the feature maps of `levels`."""
        size = features.input_size
        boxes, is_proposal = self.propose(*self.anchor_predictions(levels), size)
        count = self.proposal_count(size)
        scores, offsets = self.box_predictions(self.regions(features, levels, boxes, POOLED), count)
        pairs = count * len(self.classes)
        check_exact_count(pairs, "pairs of proposal and class", f"head {self.name!r}")
        candidates = min(self.candidates, pairs)
        return detections(
            scores,
            offsets,
            boxes,
            is_proposal,
            len(self.classes),
            candidates,
            size,
            self.score_threshold,
            self.nms_iou,
            min(self.max_detections, candidates),
        )
