"""The detection head: SSD over a feature pyramid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from densefit.data.classes.class_lists import are_numbers
from densefit.model.heads.head import Features, class_names, heads, named_rows
from densefit.model.heads.teachable import once_per_features
from densefit.symbol import sym

from .checks import check_exact_count, check_settings, sizes_per_level
from .distillation import objectness, offset_loss, softmax_class_loss
from .encoding import BoxEncoding
from .loss import box_loss, class_loss, overlap_loss
from .pyramid import feature_levels, predictions
from .select import anchor_symbol, detections


@heads.register("detection")
class Detection(BoxEncoding):
    """Boxes with classes and scores: SSD over a feature pyramid.

    Predictions are dicts: `boxes` (m, 4) float32 xyxy in original pixels, `scores` (m,) float32,
    `classes` (m,) int64, by falling score.

    Args:
        classes: the classes without the background: names, or their number.
        name: prefix of labels, outputs, parameters and scores.
        weight: factor on the head's losses.
        box_weight: factor on the box loss, relative to the class loss.
        box_loss: "smooth_l1" of the offsets, or 1 - overlap of the boxes: "giou", "diou", "ciou".
        strides: strides of the levels, each twice the previous one. Levels that the backbone lacks
            are computed by further convolutions.
        sizes: sides of the square anchors: one list for all levels, or a list for each level.
        sizes_relative_to: "stride", or "input" for fractions of the input's shorter side (then
            give a list for each level).
        ratios: width : height of the anchors.
        every_ratio: use every size in every ratio; else only the first size, as in SSD.
        channels: channels of the head's feature maps.
        fpn: add deep levels to shallow ones (feature pyramid), for small objects.
        iou_positive: lowest IoU with a box of a positive anchor.
        iou_negative: highest IoU with any box of a background anchor; anchors in between are
            ignored. None: the same as `iou_positive`.
        negatives_per_positive: trained background anchors per positive anchor.
        min_negatives: trained background anchors per image, at least.
        train_difficult: whether to learn boxes marked as difficult; else they are ignored.
        score_threshold: detections below are dropped; keep it low for a full AP curve.
        nms_iou: IoU above which the worse of two boxes of a class is dropped.
        max_detections: maximum number of detections per image.
        candidates: number of best pairs of anchor and class that enter the NMS.
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
        name: str = "detection",
        weight: float = 1.0,
        box_weight: float = 1.0,
        strides: Sequence[int] = (8, 16, 32, 64),
        sizes: Sequence[float] | Sequence[Sequence[float]] = (3.0, 3.0 * math.sqrt(2.0)),
        sizes_relative_to: str = "stride",
        ratios: Sequence[float] = (1.0, 2.0, 0.5),
        every_ratio: bool = False,
        channels: int = 128,
        fpn: bool = True,
        iou_positive: float = 0.5,
        iou_negative: float | None = None,
        negatives_per_positive: float = 3.0,
        min_negatives: int = 10,
        train_difficult: bool = True,
        score_threshold: float = 0.01,
        nms_iou: float = 0.45,
        max_detections: int = 100,
        candidates: int = 400,
        metric: str = "coco",
        draw_threshold: float = 0.4,
        box_loss: str = "smooth_l1",
        target: str = "boxes",
    ) -> None:
        self.classes = class_names(classes)
        self.name = name
        self.weight = weight
        self.box_weight = box_weight
        self.strides = tuple(strides)
        self.sizes = sizes_per_level(sizes, self.strides)
        self.sizes_relative_to = sizes_relative_to
        self.ratios = tuple(ratios)
        self.every_ratio = every_ratio
        self.channels = channels
        self.fpn = fpn
        self.iou_positive = iou_positive
        self.iou_negative = iou_positive if iou_negative is None else iou_negative
        self.negatives_per_positive = negatives_per_positive
        self.min_negatives = min_negatives
        self.train_difficult = train_difficult
        self.score_threshold = score_threshold
        self.nms_iou = nms_iou
        self.max_detections = max_detections
        self.candidates = candidates
        self.metric = metric
        self.draw_threshold = draw_threshold
        self.learn_boxes(target)
        self.box_loss = box_loss
        check_settings(self)
        self.output_stride = min(32, max(self.strides))

    def class_rows(self) -> dict[str, list[Any]]:
        """Classes of the rows of the class scores: background and classes of each anchor."""
        names = self.names(str(self.class_target))
        rows: dict[str, list[Any]] = {}
        for stride, shapes in zip(self.strides, self.shapes((64, 64))):
            if not are_numbers(names):
                each = [(len(shapes), k, n) for k in range(len(shapes)) for n in (None, *names)]
                rows.update(named_rows(each, f"{self.name}_level{stride}_class"))
        return rows

    def levels(self, features: Features) -> list[Any]:
        """Feature maps (B, C, H/stride, W/stride), one per level."""
        return feature_levels(self.name, features, self.strides, self.channels, self.fpn)

    def predictions(self, levels: Sequence[Any], input_size: tuple[int, int]) -> tuple[Any, Any]:
        """Class logits (B, A, 1 + classes) and offsets (B, A, 4) of all anchors."""
        counts = [len(shapes) for shapes in self.shapes(input_size)]
        return predictions(self.name, levels, self.strides, counts, 1 + len(self.classes))

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`class_loss` and `box_loss`, (B,) each, per positive anchor of the image."""
        return self.losses(*self._predicted(features), labels, features.input_size)

    @once_per_features
    def _predicted(self, features: Features) -> tuple[Any, Any]:
        return self.predictions(self.levels(features), features.input_size)

    softens = True

    def teacher_outputs(self, features: Features) -> dict[str, Any]:
        """`scores` (B, A, 1 + classes) and `offsets` (B, A, 4) of all anchors."""
        scores, offsets = self._predicted(features)
        return {"scores": scores, "offsets": offsets}

    def teacher_loss(
        self, student: Mapping[str, Any], teacher: Mapping[str, Any], temperature: float
    ) -> Any:
        """(B,) of scores and offsets, see `densefit.tasks.detection.distillation`."""
        mining = self.negatives_per_positive, self.min_negatives
        classes = softmax_class_loss(student["scores"], teacher["scores"], temperature, *mining)
        seen = objectness(teacher["scores"])
        boxes = offset_loss(student["offsets"], teacher["offsets"], seen)
        return classes + boxes * self.box_weight

    def losses(
        self, scores: Any, offsets: Any, labels: Mapping[str, Any], input_size: tuple[int, int]
    ) -> dict[str, Any]:
        """Loss terms from the results of `predictions`."""
        count = self.anchor_count(input_size)
        target, mining = labels["class"], (self.negatives_per_positive, self.min_negatives)
        boxes = self._box_loss(offsets, labels["box"], target, input_size)
        return {
            "class_loss": class_loss(scores, target, labels["known"], *mining, count),
            "box_loss": boxes * self.box_weight,
        }

    def _box_loss(
        self, offsets: Any, box_target: Any, target: Any, input_size: tuple[int, int]
    ) -> Any:
        if self.box_loss == "smooth_l1":
            return box_loss(offsets, box_target, target)
        anchors = anchor_symbol(input_size, self.strides, self.shapes(input_size))
        return overlap_loss(self.box_loss, offsets, box_target, target, anchors)

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`boxes` (B, max_detections, 6) [class, score, x1, y1, x2, y2] in input pixels."""
        predicted = self.predictions(self.levels(features), features.input_size)
        rows = self.detect(*predicted, features.input_size)
        return {"boxes": sym.slice_axis(rows, axis=2, begin=0, end=6)}

    def detect(self, scores: Any, offsets: Any, input_size: tuple[int, int]) -> Any:
        """(B, max_detections, 7): the rows of `evaluate`, and the anchor of each.

        Args:
            scores: class logits of all anchors.
            offsets: box offsets of all anchors.
            input_size: (height, width) in pixels.
        """
        pairs = self.anchor_count(input_size) * len(self.classes)
        where = f"head {self.name!r}, input {input_size}"
        check_exact_count(pairs, "pairs of anchor and class", where)
        candidates = min(self.candidates, pairs)
        return detections(
            scores,
            offsets,
            anchor_symbol(input_size, self.strides, self.shapes(input_size)),
            len(self.classes),
            candidates,
            self.score_threshold,
            self.nms_iou,
            min(self.max_detections, candidates),
        )
