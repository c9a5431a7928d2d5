"""The detection head: SSD over a feature pyramid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.data.classes.class_lists import are_numbers
from densefit.data.sample import Geometry
from densefit.metrics import COCOAveragePrecision, Metric, VOCAveragePrecision
from densefit.model.heads.head import Features, Head, class_names, heads, named_rows
from densefit.model.tta.view_merger import Merger, Predictions

from .checks import check_exact_count, check_settings, sizes_per_level
from .drawing import draw_detections, draw_true_boxes
from .encoding import BoxEncoding
from .loss import box_loss, class_loss
from .merge import merge_detections
from .pyramid import feature_levels, predictions
from .select import anchor_symbol, detections


@heads.register("detection")
class Detection(BoxEncoding, Head):
    """Boxes with classes and scores: SSD over a feature pyramid.

    Predictions are dicts: `boxes` (m, 4) float32 xyxy in original pixels, `scores` (m,) float32,
    `classes` (m,) int64, by falling score.

    Args:
        classes: the classes without the background: names, or how many.
        name: prefix of everything the head owns.
        weight: factor on the head's losses.
        box_weight: factor on the box loss beside the class loss.
        strides: the levels; each is twice the one before. Those that the backbone lacks are made
            by further convolutions.
        sizes: sides of the square anchors: for all levels alike, or a list for each level.
        sizes_relative_to: "stride", or "input" for fractions of the input's shorter side (then
            give a list for each level).
        ratios: width : height of the anchors.
        every_ratio: each size in each ratio; else only the first size, as in SSD.
        channels: channels of the head's own maps.
        fpn: enrich the shallow levels by the deep ones (good for small objects).
        iou_positive: an anchor that overlaps a box by this much learns it.
        iou_negative: one that overlaps none by this much is background; in between it is ignored.
            None: the same as `iou_positive`.
        negatives_per_positive: background anchors that are trained for each positive one.
        min_negatives: background anchors that are trained in any image.
        train_difficult: learn boxes marked as difficult; else they are ignored.
        score_threshold: detections below are dropped; keep it low for a full AP curve.
        nms_iou: overlap above which the worse of two boxes of a class is dropped.
        max_detections: detections of an image at most.
        candidates: best pairs of anchor and class that go into the suppression.
        metric: "coco" (AP over IoU .50 to .95), "voc" (AP at IoU .5, the area under the curve, as
            in VOC 2010 and later), "voc07" (the same by 11 points, as in VOC 2007) or "both"
            ("coco" and "voc").
        draw_threshold: `draw` shows detections with at least this score. Where it is left out, the
            tools draw from the score on where F1 is highest over what they have scored.
    """

    targets = ("boxes", "classes")
    class_target = "classes"

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
        check_settings(self)
        self.output_stride = min(32, max(self.strides))

    def class_rows(self) -> dict[str, list[Any]]:
        """The rows of the class scores: background and classes of each anchor."""
        names = self.names("classes")
        found: dict[str, list[Any]] = {}
        for stride, shapes in zip(self.strides, self.shapes((64, 64))):
            if not are_numbers(names):
                each = [(len(shapes), k, n) for k in range(len(shapes)) for n in (None, *names)]
                found.update(named_rows(each, f"{self.name}_level{stride}_class"))
        return found

    def levels(self, features: Features) -> list[Any]:
        """One map (B, C, H/stride, W/stride) a level."""
        return feature_levels(self.name, features, self.strides, self.channels, self.fpn)

    def predictions(self, levels: Sequence[Any], input_size: tuple[int, int]) -> tuple[Any, Any]:
        """Class logits (B, A, 1 + classes) and offsets (B, A, 4) of all anchors."""
        counts = [len(shapes) for shapes in self.shapes(input_size)]
        return predictions(self.name, levels, self.strides, counts, 1 + len(self.classes))

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`class_loss` and `box_loss`, (B,) each, divided by the image's positive anchors."""
        predicted = self.predictions(self.levels(features), features.input_size)
        return self.losses(*predicted, labels, features.input_size)

    def losses(
        self, scores: Any, offsets: Any, labels: Mapping[str, Any], input_size: tuple[int, int]
    ) -> dict[str, Any]:
        """The terms of `train`, of what `predictions` gave."""
        count = self.anchor_count(input_size)
        target, mining = labels["class"], (self.negatives_per_positive, self.min_negatives)
        return {
            "class_loss": class_loss(scores, target, labels["known"], *mining, count),
            "box_loss": box_loss(offsets, labels["box"], target) * self.box_weight,
        }

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`boxes` (B, max_detections, 6) [class, score, x1, y1, x2, y2] in input pixels."""
        predicted = self.predictions(self.levels(features), features.input_size)
        found = self.detect(*predicted, features.input_size)
        return {"boxes": mx.sym.slice_axis(found, axis=2, begin=0, end=6)}

    def detect(self, scores: Any, offsets: Any, input_size: tuple[int, int]) -> Any:
        """(B, max_detections, 7): the rows of `evaluate`, and the anchor of each.

        Args:
            scores: of `predictions`.
            offsets: of `predictions`.
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

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[Any]:
        """Detections in original pixels, by falling score."""
        predictions = []
        for rows, geometry in zip(outputs["boxes"], geometries):
            rows = rows[rows[:, 0] >= 0]
            rows = rows[np.argsort(-rows[:, 1], kind="stable")]
            predictions.append(
                {
                    "boxes": geometry.boxes_to_original(rows[:, 2:6]),
                    "scores": rows[:, 1].astype(np.float32),
                    "classes": rows[:, 0].astype(np.int64),
                }
            )
        return predictions

    def view_merger(self, size: tuple[int, int]) -> Merger:
        """One suppression over the boxes of all views."""
        suppress = partial(merge_detections, iou=self.nms_iou, limit=self.max_detections)
        return Predictions(self.decode, suppress)

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> Any:
        """The boxes as they were annotated, None if the sample has no `boxes` target at all."""
        if "boxes" not in targets:
            return None
        known = ("boxes", "classes", "difficult", "crowd", "area", "known_classes")
        return {key: targets[key] for key in known if key in targets}

    def metrics(self) -> list[Metric]:
        """Average precision by the chosen rule."""
        metrics: list[Metric] = []
        if self.metric in ("coco", "both"):
            metrics.append(COCOAveragePrecision(self.classes))
        if self.metric in ("voc", "voc07", "both"):
            # COCO's numbers of the classes are called AP50/<class> too.
            key = "VOC50" if self.metric == "both" else "AP50"
            convention = "11point" if self.metric == "voc07" else "area"
            metrics.append(VOCAveragePrecision(self.classes, convention=convention, class_key=key))
        return metrics

    resizable = True
    supports_crops = True

    def draw(self, image: np.ndarray, prediction: Any) -> np.ndarray:
        """The detections above `draw_threshold`, outlined and named; or that there are none."""
        return draw_detections(image, prediction, self.classes, self.draw_threshold)

    def draw_truth(self, image: np.ndarray, truth: Any) -> np.ndarray:
        """The boxes, outlined and named; difficult ones and crowds say so."""
        return draw_true_boxes(image, truth, self.classes)
