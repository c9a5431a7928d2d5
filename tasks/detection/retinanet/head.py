"""The RetinaNet head: focal loss over the anchors of a feature pyramid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from densefit.data.classes.class_lists import are_numbers
from densefit.model.heads.head import Features, class_names, heads, named_rows
from densefit.model.heads.teachable import once_per_features
from densefit.symbol import sym

from ..anchors import Shapes, whole_pixel_shapes
from ..checks import sizes_per_level
from ..dense_head import DenseHead, focal_class_loss
from ..distillation import offset_loss, sigmoid_class_loss
from ..encoding import BoxEncoding
from ..fpn import pyramid_levels
from ..towers import cell_rows, shared_convolution, tower
from .checks import check_settings
from .loss import box_loss, decode


@heads.register("retinanet")
class RetinaNet(DenseHead, BoxEncoding):
    """Boxes with classes and scores: RetinaNet, in one stage by the focal loss.

    Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017. The defaults are those of
    torchvision's `retinanet_resnet50_fpn`; `normalization="group"`, `extra_levels="backbone"` and
    `box_loss="giou"` make its second version (`retinanet_resnet50_fpn_v2`).

    Predictions are dicts: `boxes` (m, 4) float32 xyxy in original pixels, `scores` (m,) float32,
    `classes` (m,) int64, by falling score.

    Args:
        classes: the classes without the background: names, or their number.
        name: prefix of labels, outputs, parameters and scores.
        weight: factor on the head's losses.
        box_weight: factor on the box loss, relative to the class loss.
        box_loss: "l1" or "smooth_l1" of the offsets, or 1 - overlap of the boxes: "giou", "diou",
            "ciou".
        strides: strides of the levels, each twice the previous one; the backbone has the first.
        sizes: sides of the square anchors in strides: one list for all levels, or a list for each
            level. Anchors have sides of whole pixels.
        ratios: height : width of the anchors; every size has every ratio.
        channels: channels of the head's feature maps.
        depth: convolutions before those that predict.
        normalization: of these convolutions: "none" or "group".
        extra_levels: what levels that the backbone lacks are computed from: "pyramid" (its last
            level) or "backbone" (its last map).
        alpha: weight of positive anchors in the focal loss, 0 to 1; 1 - alpha of the background.
        gamma: exponent of the focal loss, 1 or more.
        prior: initial score of all classes, 0 to 1.
        iou_positive: lowest IoU with a box of a positive anchor. The best anchors of a box are
            positive below it, too.
        iou_negative: highest IoU with any box of a background anchor; anchors in between are
            ignored.
        train_difficult: whether to learn boxes marked as difficult; else they are ignored.
        score_threshold: detections below are dropped.
        nms_iou: IoU above which the worse of two boxes of a class is dropped.
        max_detections: maximum number of detections per image.
        candidates: number of best pairs of anchor and class of each level that enter the NMS.
        metric: "coco" (AP over IoU .50 to .95), "voc" (AP at IoU .5, the area under the curve, as
            in VOC 2010 and later), "voc07" (the same by 11 points, as in VOC 2007) or "both"
            ("coco" and "voc").
        draw_threshold: lowest score that `draw` shows. Default of the tools: the score at which F1
            is highest on the scored data.
        target: name of the boxes to learn, so that two heads can learn different ones; their
            classes and flags have names that begin alike: `room_boxes`, `room_classes`, ...

    Raises:
        ConfigError: settings that contradict each other.
    """

    decode_boxes = staticmethod(decode)
    low_quality_matches = True
    variances = (1.0, 1.0, 1.0, 1.0)

    def __init__(
        self,
        classes: int | Sequence[str],
        name: str = "retinanet",
        weight: float = 1.0,
        box_weight: float = 1.0,
        box_loss: str = "l1",
        strides: Sequence[int] = (8, 16, 32, 64, 128),
        sizes: Sequence[float] | Sequence[Sequence[float]] = (
            4.0,
            4 * 2 ** (1 / 3),
            4 * 4 ** (1 / 3),
        ),
        ratios: Sequence[float] = (0.5, 1.0, 2.0),
        channels: int = 256,
        depth: int = 4,
        normalization: str = "none",
        extra_levels: str = "pyramid",
        alpha: float = 0.25,
        gamma: float = 2.0,
        prior: float = 0.01,
        iou_positive: float = 0.5,
        iou_negative: float = 0.4,
        train_difficult: bool = True,
        score_threshold: float = 0.05,
        nms_iou: float = 0.5,
        max_detections: int = 300,
        candidates: int = 1000,
        metric: str = "coco",
        draw_threshold: float = 0.4,
        target: str = "boxes",
    ) -> None:
        self.classes, self.name, self.weight = class_names(classes), name, weight
        self.box_weight, self.box_loss = box_weight, box_loss
        self.strides = tuple(strides)
        self.sizes, self.ratios = sizes_per_level(sizes, self.strides), tuple(ratios)
        self.channels, self.depth, self.normalization = channels, depth, normalization
        self.extra_levels = extra_levels
        self.alpha, self.gamma, self.prior = alpha, gamma, prior
        self.iou_positive, self.iou_negative = iou_positive, iou_negative
        self.train_difficult = train_difficult
        self.score_threshold, self.nms_iou = score_threshold, nms_iou
        self.max_detections, self.candidates = max_detections, candidates
        self.metric, self.draw_threshold = metric, draw_threshold
        self.learn_boxes(target)
        check_settings(self)
        self.output_stride = min(32, max(self.strides))

    def shapes(self, input_size: tuple[int, int]) -> tuple[Shapes, ...]:
        """(width, height) of each level's anchors, in input pixels: all sizes of a ratio first."""
        levels = []
        for stride, sizes in zip(self.strides, self.sizes):
            levels.append(whole_pixel_shapes([size * stride for size in sizes], self.ratios))
        return tuple(levels)

    def class_rows(self) -> dict[str, list[Any]]:
        """Classes of the rows of the class scores: the classes of each anchor."""
        names = self.names(str(self.class_target))
        count = len(self.shapes((64, 64))[0])
        if are_numbers(names):
            return {}
        each = [(count, anchor, name) for anchor in range(count) for name in names]
        return named_rows(each, f"{self.name}_class")

    @once_per_features
    def predictions(self, features: Features) -> tuple[list[Any], list[Any]]:
        """Class logits (B, A, classes) and box offsets (B, A, 4) of the anchors of each level."""
        of_backbone = self.extra_levels == "backbone"
        levels = pyramid_levels(
            self.name, features, self.strides, self.channels, of_backbone=of_backbone
        )
        count, classes = len(self.shapes(features.input_size)[0]), len(self.classes)
        rows = []
        for kind, width, bias in (
            ("class", classes, -math.log(1 / self.prior - 1)),
            ("box", 4, 0.0),
        ):
            prefix = f"{self.name}_{kind}"
            maps = tower(
                levels,
                f"{prefix}_tower",
                self.channels,
                self.depth,
                normalization=self.normalization,
                bias=self.normalization == "none",
            )
            maps = shared_convolution(maps, prefix, count * width, bias=bias)
            rows.append(cell_rows(maps, width))
        return rows[0], rows[1]

    softens = True

    def teacher_outputs(self, features: Features) -> dict[str, Any]:
        """`scores` (B, A, classes) and `offsets` (B, A, 4) of all anchors."""
        scores, offsets = (sym.concat(*rows, dim=1) for rows in self.predictions(features))
        return {"scores": scores, "offsets": offsets}

    def teacher_loss(
        self, student: Mapping[str, Any], teacher: Mapping[str, Any], temperature: float
    ) -> Any:
        """(B,) of scores and boxes, see `densefit.tasks.detection.distillation`."""
        scores = student["scores"], teacher["scores"]
        classes = sigmoid_class_loss(*scores, temperature, self.gamma)
        seen = sym.BlockGrad(sym.max(sym.sigmoid(teacher["scores"]), axis=-1))
        boxes = offset_loss(student["offsets"], teacher["offsets"], seen)
        return classes + boxes * self.box_weight

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`class_loss` and `box_loss`, (B,) each, per positive anchor of the image."""
        logits, offsets = (sym.concat(*rows, dim=1) for rows in self.predictions(features))
        return self.losses(logits, offsets, labels, features.input_size)

    def losses(
        self, logits: Any, offsets: Any, labels: Mapping[str, Any], input_size: tuple[int, int]
    ) -> dict[str, Any]:
        """Loss terms from class logits (B, A, classes) and offsets (B, A, 4) of all anchors."""
        target, classes = labels["class"], len(self.classes)
        loss = focal_class_loss(logits, target, labels["known"], classes, self.alpha, self.gamma)
        anchors = self.anchor_symbol(input_size)
        boxes = box_loss(self.box_loss, offsets, labels["box"], target, anchors)
        return {"class_loss": loss, "box_loss": boxes * self.box_weight}

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`boxes` (B, n, 6) [class, score, x1, y1, x2, y2] in input pixels."""
        logits, offsets = self.predictions(features)
        return self.detect([sym.sigmoid(rows) for rows in logits], offsets, features.input_size)
