"""The YOLOX head: each cell predicts a box, its class and whether there is an object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.model.heads.head import Features, class_names, heads, named_rows
from densefit.model.loss_weights import check_weight
from densefit.symbol import sym

from ..checks import check_detector, require
from ..select import suppressed
from .assign import Sizes
from .encoding import ObjectEncoding
from .layers import aggregated_levels, decoupled_predictions
from .loss import BOX_WEIGHT, cell_symbol, decode, losses


@heads.register("yolox")
class YOLOX(ObjectEncoding):
    """Boxes with classes and scores: YOLOX, without anchors, assigned by SimOTA.

    Ge et al., "YOLOX: Exceeding YOLO Series in 2021". The defaults are those of YOLOX-s, whose
    backbone is `cspdarknet_s`; the neck takes its channels from the backbone. The score is the
    probability of an object times the class's.

    Predictions are dicts: `boxes` (m, 4) float32 xyxy in original pixels, `scores` (m,) float32,
    `classes` (m,) int64, by falling score.

    Args:
        classes: the classes without the background: names, or their number.
        name: prefix of labels, outputs, parameters and scores.
        weight: factor on the head's losses.
        box_weight: factor on the box loss, 1 - IoU**2, relative to the other losses.
        strides: strides of the levels, each twice the previous one; the backbone has all of them.
        center_radius: distance from a box's centre, in strides, below which cells are candidates.
        channels: channels of the maps that predict.
        depth: blocks of each cross-stage layer of the neck.
        max_boxes: boxes of an image that are learned, at most; of more the smallest are ignored.
            Costs of the assignment grow with it.
        train_difficult: whether to learn boxes marked as difficult; else they are ignored.
        score_threshold: detections below are dropped.
        nms_iou: IoU above which the worse of two boxes of a class is dropped.
        max_detections: maximum number of detections per image.
        candidates: number of best cells that enter the NMS, each with its best class.
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

    def __init__(
        self,
        classes: int | Sequence[str],
        name: str = "yolox",
        weight: float = 1.0,
        box_weight: float = BOX_WEIGHT,
        strides: Sequence[int] = (8, 16, 32),
        center_radius: float = 1.5,
        channels: int = 128,
        depth: int = 1,
        max_boxes: int = 100,
        train_difficult: bool = True,
        score_threshold: float = 0.01,
        nms_iou: float = 0.65,
        max_detections: int = 100,
        candidates: int = 1000,
        metric: str = "coco",
        draw_threshold: float = 0.4,
        target: str = "boxes",
    ) -> None:
        self.classes, self.name, self.weight = class_names(classes), name, weight
        self.box_weight = box_weight
        self.strides, self.center_radius = tuple(strides), center_radius
        self.channels, self.depth, self.max_boxes = channels, depth, max_boxes
        self.train_difficult = train_difficult
        self.score_threshold, self.nms_iou = score_threshold, nms_iou
        self.max_detections, self.candidates = max_detections, candidates
        self.metric, self.draw_threshold = metric, draw_threshold
        self.learn_boxes(target)
        self._check()
        self.output_stride = max(self.strides)

    def _check(self) -> None:
        check_weight(self.box_weight, "box_weight", f"head {self.name!r}")
        check_detector(self, self.strides, self.candidates)
        deepest = self.strides[-1]
        require(self, deepest <= 32, "No backbone has such a stride", "32 at most", deepest)
        require(
            self,
            min(self.channels, self.depth, self.max_boxes) >= 1,
            "A YOLOX head cannot be built",
            "channels, depth, max_boxes >= 1",
            f"{self.channels}, {self.depth}, {self.max_boxes}",
        )
        reach = self.center_radius > 0
        require(self, reach, "No cell is positive", "center_radius above 0", self.center_radius)

    def class_rows(self) -> dict[str, list[Any]]:
        """Classes of the rows of the class scores of each level."""
        layers = [f"{self.name}_level{stride}_class" for stride in self.strides]
        return named_rows(self.names(str(self.class_target)), *layers)

    def predictions(self, features: Features) -> tuple[Any, Any, Any]:
        """Class logits (B, A, classes), boxes (B, A, 4) in input pixels, objectness (B, A)."""
        levels = aggregated_levels(self.name, features, self.strides, self.depth)
        scores, offsets, objectness = decoupled_predictions(
            self.name, levels, self.strides, self.channels, len(self.classes)
        )
        cells = cell_symbol(features.input_size, self.strides, at_corners=True)
        cells = sym.broadcast_like(sym.expand_dims(cells, axis=0), offsets)
        return scores, decode(offsets, cells), objectness

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`class_loss`, `box_loss` and `objectness_loss`, (B,) each, per positive cell."""
        return self.losses(*self.predictions(features), labels, features.input_size)

    def losses(
        self,
        scores: Any,
        boxes: Any,
        objectness: Any,
        labels: Mapping[str, Any],
        input_size: tuple[int, int],
    ) -> dict[str, Any]:
        """Loss terms from the results of `predictions`."""
        sizes = Sizes(self.cell_count(input_size), self.max_boxes, len(self.classes))
        cells = cell_symbol(input_size, self.strides, at_corners=False)
        terms = losses(scores, boxes, objectness, labels, cells, sizes, self.center_radius)
        return {**terms, "box_loss": terms["box_loss"] * self.box_weight}

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`boxes` (B, n, 6) [class, score, x1, y1, x2, y2] in input pixels."""
        scores, boxes, objectness = self.predictions(features)
        score = sym.sigmoid(objectness) * sym.sigmoid(sym.max(scores, axis=2))
        count = min(self.candidates, self.cell_count(features.input_size))
        best = sym.topk(score, k=count, axis=1, ret_typ="both")
        columns = [sym.expand_dims(sym.argmax(scores, axis=2), axis=2), boxes]
        sample = sym.reshape(sym.contrib.arange_like(best[1], axis=0), shape=(-1, 1))
        index = sym.stack(sym.broadcast_like(sample, best[1]), best[1], axis=0)
        rows = sym.gather_nd(sym.concat(*columns, dim=2), index)
        label, boxes = (
            sym.slice_axis(rows, axis=2, begin=begin, end=end) for begin, end in ((0, 1), (1, 5))
        )
        rows = sym.concat(label, sym.expand_dims(best[0], axis=2), boxes, dim=2)
        limit = min(self.max_detections, count)
        return {"boxes": suppressed(rows, self.score_threshold, self.nms_iou, limit)}
