"""The detection head: SSD over a feature pyramid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.data.classes.class_lists import are_numbers
from densefit.data.classes.known_classes import known_classes
from densefit.data.sample import Geometry, Sample
from densefit.errors import ConfigError, DataError
from densefit.metrics import COCOAveragePrecision, Metric, VOCAveragePrecision
from densefit.model.heads.head import Features, Head, Label, class_names, heads, named_rows
from densefit.model.tta.view_merger import Merger, Predictions
from densefit.visualize.drawing import draw_boxes, say_unshown

from .anchors import Shapes, anchor_boxes, anchor_count, anchor_shapes
from .assign import IGNORE, match, targets_of
from .checks import check_settings, sizes_per_level
from .drawing import draw_true_boxes
from .loss import box_loss, class_loss
from .merge import combine
from .pyramid import feature_levels, predictions
from .select import anchor_symbol, detections


@heads.register("detection")
class Detection(Head):
    """Boxes with classes and scores.

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
        min_negatives: background anchors that are trained in any picture.
        train_difficult: learn boxes marked as difficult; else they are ignored.
        score_threshold: detections below are dropped; keep it low for a full AP curve.
        nms_iou: overlap above which the worse of two boxes of a class is dropped.
        max_detections: detections of a picture at most.
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

    def shapes(self, input_size: tuple[int, int]) -> tuple[Shapes, ...]:
        """For each level the (width, height) of its anchors, in input pixels."""
        levels = []
        for stride, sizes in zip(self.strides, self.sizes):
            unit = stride if self.sizes_relative_to == "stride" else min(input_size)
            scaled = [size * unit for size in sizes]
            levels.append(anchor_shapes(scaled, self.ratios, self.every_ratio))
        return tuple(levels)

    def anchors(self, input_size: Sequence[int]) -> np.ndarray:
        """All anchors, (A, 4) float32 xyxy in input pixels."""
        height, width = input_size
        return anchor_boxes((height, width), self.strides, self.shapes((height, width)))

    def class_rows(self) -> dict[str, list[Any]]:
        """The rows of the class scores: background and classes of each anchor."""
        names = self.names("classes")
        found: dict[str, list[Any]] = {}
        for stride, shapes in zip(self.strides, self.shapes((64, 64))):
            if not are_numbers(names):
                each = [(len(shapes), k, n) for k in range(len(shapes)) for n in (None, *names)]
                found.update(named_rows(each, f"{self.name}_level{stride}_class"))
        return found

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """`class` (A,): -1 ignored, 0 background, 1 + class; `box` (A, 4): offsets.

        `known` (1 + classes,): 0 for classes whose objects nobody marked in the picture.
        """
        count = anchor_count(input_size, self.strides, self.shapes(input_size))
        known = Label("known", (1 + len(self.classes),))
        return [Label("class", (count,)), Label("box", (count, 4)), known]

    def levels(self, features: Features) -> list[Any]:
        """One map (B, C, H/stride, W/stride) a level."""
        return feature_levels(self.name, features, self.strides, self.channels, self.fpn)

    def predictions(self, levels: Sequence[Any], input_size: tuple[int, int]) -> tuple[Any, Any]:
        """Class logits (B, A, 1 + classes) and offsets (B, A, 4) of all anchors."""
        counts = [len(shapes) for shapes in self.shapes(input_size)]
        return predictions(self.name, levels, self.strides, counts, 1 + len(self.classes))

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`class_loss` and `box_loss`, (B,) each, divided by the picture's positive anchors."""
        predicted = self.predictions(self.levels(features), features.input_size)
        return self.losses(*predicted, labels, features.input_size)

    def losses(
        self, scores: Any, offsets: Any, labels: Mapping[str, Any], input_size: tuple[int, int]
    ) -> dict[str, Any]:
        """The terms of `train`, of what `predictions` gave."""
        (count,) = self.labels(input_size)[0].shape
        target, mined = labels["class"], (self.negatives_per_positive, self.min_negatives)
        return {
            "class_loss": class_loss(scores, target, labels["known"], *mined, count),
            "box_loss": box_loss(offsets, labels["box"], target) * self.box_weight,
        }

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`boxes` (B, max_detections, 6) [class, score, x1, y1, x2, y2] in input pixels."""
        predicted = self.predictions(self.levels(features), features.input_size)
        found = self.found(*predicted, features.input_size)
        return {"boxes": mx.sym.slice_axis(found, axis=2, begin=0, end=6)}

    def found(self, scores: Any, offsets: Any, input_size: tuple[int, int]) -> Any:
        """(B, max_detections, 7): the rows of `evaluate`, and the anchor of each.

        Args:
            scores: of `predictions`.
            offsets: of `predictions`.
            input_size: (height, width) in pixels.
        """
        shapes = self.shapes(input_size)
        pairs = anchor_count(input_size, self.strides, shapes) * len(self.classes)
        if pairs >= 2**24:
            raise ConfigError(
                "Too many pairs of anchor and class to count exactly in float32",
                expected=f"less than {2**24}",
                received=pairs,
                where=f"head {self.name!r}, input {input_size}",
                fix="use a smaller input or fewer anchors",
            )
        candidates = min(self.candidates, pairs)
        return detections(
            scores,
            offsets,
            anchor_symbol(input_size, self.strides, shapes),
            len(self.classes),
            candidates,
            self.score_threshold,
            self.nms_iou,
            min(self.max_detections, candidates),
        )

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Targets of all anchors. A sample that has no `boxes` target at all trains nothing."""
        anchors = self.anchors(sample.image.shape[:2])
        if "boxes" not in sample.targets:
            nothing = np.full(len(anchors), IGNORE, np.float32)
            offsets = np.zeros((len(anchors), 4), np.float32)
            return {"class": nothing, "box": offsets, "known": self.known(sample)}
        boxes, classes = sample.targets["boxes"], sample.targets["classes"]
        labels, offsets = targets_of(self.matched(sample), anchors, boxes, classes)
        return {"class": labels, "box": offsets, "known": self.known(sample)}

    def positives(self, labels: Mapping[str, np.ndarray]) -> int:
        """Anchors that learn a box."""
        return int(np.count_nonzero(labels["class"] > 0))

    def objects(self, sample: Sample) -> int:
        """Boxes that are trained: no crowds, and no difficult ones unless `train_difficult`."""
        targets = sample.targets
        if "boxes" not in targets:  # masks alone train a head of which this is a part
            return 0
        left_out = np.zeros(len(targets["boxes"]), bool)
        for name in ("crowd",) if self.train_difficult else ("crowd", "difficult"):
            left_out |= np.asarray(targets.get(name, left_out), bool)
        return int(np.count_nonzero(~left_out))

    def known(self, sample: Sample) -> np.ndarray:
        """(1 + classes,) float32, 1 for the background and the classes that the sample knows."""
        where = f"sample {sample.id!r}, head {self.name!r}"
        own = known_classes(sample.targets, len(self.classes), where)
        return np.concatenate([[True], own]).astype(np.float32)

    def matched(self, sample: Sample) -> np.ndarray:
        """(A,) int64, the box that each anchor learns: -1 ignored, 0 background, 1 + index.

        The sample must have the target `boxes`.
        """
        targets = sample.targets
        classes = np.asarray(targets["classes"])
        if classes.size and not 0 <= classes.min() <= classes.max() < len(self.classes):
            raise DataError(
                "A box is of no known class",
                expected=f"class indices 0 to {len(self.classes) - 1}",
                received=f"{classes.min()} to {classes.max()}",
                where=f"sample {sample.id!r}, head {self.name!r}",
                fix="make the head with the dataset's classes",
            )
        return match(
            self.anchors(sample.image.shape[:2]),
            targets["boxes"],
            ignored=None if self.train_difficult else targets.get("difficult"),
            crowd=targets.get("crowd"),
            iou_positive=self.iou_positive,
            iou_negative=self.iou_negative,
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
        suppress = partial(combine, iou=self.nms_iou, limit=self.max_detections)
        return Predictions(self.decode, suppress)

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> Any:
        """The boxes as they were annotated, None if the sample has no `boxes` target at all."""
        if "boxes" not in targets:
            return None
        known = ("boxes", "classes", "difficult", "crowd", "area", "known_classes")
        return {key: targets[key] for key in known if key in targets}

    def metrics(self) -> list[Metric]:
        """Average precision by the chosen rule."""
        chosen: list[Metric] = []
        if self.metric in ("coco", "both"):
            chosen.append(COCOAveragePrecision(self.classes))
        if self.metric in ("voc", "voc07", "both"):
            # COCO's numbers of the classes are called AP50/<class> too.
            key = "VOC50" if self.metric == "both" else "AP50"
            convention = "11point" if self.metric == "voc07" else "area"
            chosen.append(VOCAveragePrecision(self.classes, convention=convention, class_key=key))
        return chosen

    resizable = True
    supports_crops = True

    def draw(self, image: np.ndarray, prediction: Any) -> np.ndarray:
        """The detections above `draw_threshold`, outlined and named; or that there are none."""
        image = say_unshown(image, prediction["scores"], self.draw_threshold)
        shown = prediction["scores"] >= self.draw_threshold
        return draw_boxes(
            image,
            prediction["boxes"][shown],
            prediction["classes"][shown],
            names=self.classes,
            scores=prediction["scores"][shown],
        )

    def draw_truth(self, image: np.ndarray, truth: Any) -> np.ndarray:
        """The boxes, outlined and named; difficult ones and crowds say so."""
        return draw_true_boxes(image, truth, self.classes)
