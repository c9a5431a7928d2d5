"""The FCOS head: each point of a feature pyramid predicts its distances to a box's sides."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from densefit.model.distillation.losses import binary_divergence
from densefit.model.heads.head import Features, class_names, heads, named_rows
from densefit.model.heads.teachable import once_per_features
from densefit.model.loss_weights import check_weight
from densefit.model.losses.boxes import OVERLAPS
from densefit.symbol import sym

from ..checks import check_detector, check_tower, require
from ..dense_head import focal_class_loss
from ..distillation import offset_loss, sigmoid_class_loss
from ..fpn import pyramid_levels
from ..towers import cell_rows, shared_convolution, tower
from .encoding import PointEncoding
from .loss import boxes_around, centerness_loss, overlap_loss


@heads.register("fcos")
class FCOS(PointEncoding):
    """Boxes with classes and scores: FCOS, in one stage without anchors.

    Tian et al., "FCOS: A Simple and Strong Anchor-free Object Detector", TPAMI 2020. The defaults
    are those of torchvision's `fcos_resnet50_fpn`. The score is the square root of the class's
    probability times the centerness.

    Predictions are dicts: `boxes` (m, 4) float32 xyxy in original pixels, `scores` (m,) float32,
    `classes` (m,) int64, by falling score.

    Args:
        classes: the classes without the background: names, or their number.
        name: prefix of labels, outputs, parameters and scores.
        weight: factor on the head's losses.
        box_weight: factor on the box loss, relative to the class loss.
        box_loss: 1 - overlap of the boxes: "giou", "diou" or "ciou".
        strides: strides of the levels, each twice the previous one; the backbone has the first. A
            level learns the boxes whose farthest side is 4 to 8 strides away from the point; the
            first one smaller boxes, too, and the last one larger ones.
        center_radius: distance from a box's centre, in strides, below which points are positive.
        channels: channels of the head's feature maps.
        depth: convolutions before those that predict, with GroupNorm.
        alpha: weight of positive points in the focal loss, 0 to 1; 1 - alpha of the background.
        gamma: exponent of the focal loss, 1 or more.
        prior: initial score of all classes, 0 to 1.
        train_difficult: whether to learn boxes marked as difficult; else they are ignored.
        score_threshold: detections below are dropped.
        nms_iou: IoU above which the worse of two boxes of a class is dropped.
        max_detections: maximum number of detections per image.
        candidates: number of best pairs of point and class of each level that enter the NMS.
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

    decode_boxes = staticmethod(boxes_around)

    def __init__(
        self,
        classes: int | Sequence[str],
        name: str = "fcos",
        weight: float = 1.0,
        box_weight: float = 1.0,
        box_loss: str = "giou",
        strides: Sequence[int] = (8, 16, 32, 64, 128),
        center_radius: float = 1.5,
        channels: int = 256,
        depth: int = 4,
        alpha: float = 0.25,
        gamma: float = 2.0,
        prior: float = 0.01,
        train_difficult: bool = True,
        score_threshold: float = 0.2,
        nms_iou: float = 0.6,
        max_detections: int = 100,
        candidates: int = 1000,
        metric: str = "coco",
        draw_threshold: float = 0.4,
        target: str = "boxes",
    ) -> None:
        self.classes, self.name, self.weight = class_names(classes), name, weight
        self.box_weight, self.box_loss = box_weight, box_loss
        self.strides, self.center_radius = tuple(strides), center_radius
        self.channels, self.depth = channels, depth
        self.alpha, self.gamma, self.prior = alpha, gamma, prior
        self.train_difficult = train_difficult
        self.score_threshold, self.nms_iou = score_threshold, nms_iou
        self.max_detections, self.candidates = max_detections, candidates
        self.metric, self.draw_threshold = metric, draw_threshold
        self.learn_boxes(target)
        self._check()
        self.output_stride = min(32, max(self.strides))

    def _check(self) -> None:
        check_weight(self.box_weight, "box_weight", f"head {self.name!r}")
        check_detector(self, self.strides, self.candidates)
        check_tower(self, self.channels, self.depth, (self.alpha, self.gamma, self.prior))
        losses = " or ".join(map(repr, OVERLAPS))
        require(self, self.box_loss in OVERLAPS, "Unknown loss of boxes", losses, self.box_loss)
        reach = self.center_radius > 0
        require(self, reach, "No point is positive", "center_radius above 0", self.center_radius)

    def class_rows(self) -> dict[str, list[Any]]:
        """Classes of the rows of the class scores."""
        return named_rows(self.names(str(self.class_target)), f"{self.name}_class")

    @once_per_features
    def predictions(self, features: Features) -> tuple[list[Any], list[Any], list[Any]]:
        """Rows of the points of each level.

        Class logits (B, P, classes), distances (B, P, 4) in strides, centerness logits (B, P, 1).
        """
        levels = pyramid_levels(self.name, features, self.strides, self.channels)
        bias = -math.log(1 / self.prior - 1)
        of_classes, of_boxes = (
            tower(
                levels,
                f"{self.name}_{kind}_tower",
                self.channels,
                self.depth,
                normalization="group",
            )
            for kind in ("class", "box")
        )
        logits, distances, centerness = (
            shared_convolution(maps, f"{self.name}_{kind}", width, bias=start)
            for maps, kind, width, start in (
                (of_classes, "class", len(self.classes), bias),
                (of_boxes, "box", 4, 0.0),
                (of_boxes, "centerness", 1, 0.0),
            )
        )
        distances = [sym.relu(data) for data in distances]
        return (
            cell_rows(logits, len(self.classes)),
            cell_rows(distances, 4),
            cell_rows(centerness, 1),
        )

    softens = True

    def teacher_outputs(self, features: Features) -> dict[str, Any]:
        """`scores` (B, P, classes), `distances` (B, P, 4), `centerness` (B, P, 1) of all points."""
        kinds = (sym.concat(*rows, dim=1) for rows in self.predictions(features))
        return dict(zip(("scores", "distances", "centerness"), kinds))

    def teacher_loss(
        self, student: Mapping[str, Any], teacher: Mapping[str, Any], temperature: float
    ) -> Any:
        """(B,) of scores and boxes, see `densefit.tasks.detection.distillation`."""
        scores = student["scores"], teacher["scores"]
        classes = sigmoid_class_loss(*scores, temperature, self.gamma)
        seen = sym.BlockGrad(sym.max(sym.sigmoid(teacher["scores"]), axis=-1))
        boxes = offset_loss(student["distances"], teacher["distances"], seen)
        centerness = binary_divergence(student["centerness"], teacher["centerness"], 1.0)
        centerness = sym.sum(centerness * sym.expand_dims(seen, axis=2), axis=(1, 2))
        centerness = centerness / sym.maximum(sym.sum(seen, axis=1), 1)
        return classes + boxes * self.box_weight + centerness

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`class_loss`, `box_loss` and `centerness_loss`, (B,) each, per positive point."""
        logits, distances, centerness = (
            sym.concat(*rows, dim=1) for rows in self.predictions(features)
        )
        return self.losses(logits, distances, centerness, labels)

    def losses(
        self, logits: Any, distances: Any, centerness: Any, labels: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Loss terms from the rows of `predictions` of all points."""
        target, classes = labels["class"], len(self.classes)
        loss = focal_class_loss(logits, target, labels["known"], classes, self.alpha, self.gamma)
        boxes = overlap_loss(self.box_loss, distances, labels["box"], target)
        centerness = sym.squeeze(centerness, axis=2)
        return {
            "class_loss": loss,
            "box_loss": boxes * self.box_weight,
            "centerness_loss": centerness_loss(centerness, labels["centerness"], target),
        }

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`boxes` (B, n, 6) [class, score, x1, y1, x2, y2] in input pixels."""
        logits, distances, centerness = self.predictions(features)
        scores = [
            sym.sqrt(sym.broadcast_mul(sym.sigmoid(rows), sym.sigmoid(center)))
            for rows, center in zip(logits, centerness)
        ]
        return self.detect(scores, distances, features.input_size)
