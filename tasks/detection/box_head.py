"""What all heads of boxes share: decoding, ground truth, metrics, drawing, merging of views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from densefit.data.classes.known_classes import known_classes
from densefit.data.sample import Geometry, Sample
from densefit.errors import DataError
from densefit.metrics import COCOAveragePrecision, Metric, VOCAveragePrecision
from densefit.model.heads.box_target import BoxTarget
from densefit.model.heads.program_lines import print_boxes
from densefit.model.tta.view_merger import Merger, Predictions
from densefit.tasks.predictions import Detections

from .drawing import draw_detections, draw_true_boxes
from .merge import detected_rows, merge_detections


class BoxHead(BoxTarget):
    """A head whose output `boxes` (B, n, 6) is [class, score, x1, y1, x2, y2] in input pixels.

    Unused rows are -1. A detector adds `labels`, `encode`, `train` and `evaluate`.

    Predictions are dicts: `boxes` (m, 4) float32 xyxy in original pixels, `scores` (m,) float32,
    `classes` (m,) int64, by falling score.

    Attributes:
        classes: the classes without the background.
        train_difficult: whether to learn boxes marked as difficult; else they are ignored.
        nms_iou: IoU above which the worse of two boxes of a class is dropped.
        max_detections: maximum number of detections per image.
        metric: "coco", "voc", "voc07" or "both".
        draw_threshold: lowest score that `draw` shows.
    """

    targets = ("boxes", "classes")
    class_target = "classes"
    resizable = True
    supports_crops = True

    classes: list[str]
    train_difficult: bool = True
    nms_iou: float
    max_detections: int
    metric: str
    draw_threshold: float

    def check_classes(self, sample: Sample) -> None:
        """Raise DataError if a box of the sample is of no class of the head."""
        classes = np.asarray(sample.targets["classes"])
        if classes.size and not 0 <= classes.min() <= classes.max() < len(self.classes):
            raise DataError(
                "A box is of no known class",
                expected=f"class indices 0 to {len(self.classes) - 1}",
                received=f"{classes.min()} to {classes.max()}",
                where=f"sample {sample.id!r}, head {self.name!r}",
                fix="make the head with the dataset's classes",
            )

    def annotated_classes(self, sample: Sample) -> np.ndarray:
        """(1 + classes,) float32, 1 for the background and the classes the sample annotates."""
        where = f"sample {sample.id!r}, head {self.name!r}"
        annotated = known_classes(sample.targets, len(self.classes), where)
        return np.concatenate([[True], annotated]).astype(np.float32)

    def objects(self, sample: Sample) -> int:
        """Number of boxes to learn: no crowds, and no difficult ones unless `train_difficult`."""
        targets = sample.targets
        if "boxes" not in targets:  # a panoptic sample may have masks alone
            return 0
        return int(np.count_nonzero(~self.excluded(targets)))

    def excluded(self, targets: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) bool: crowds, and difficult boxes unless they are learned."""
        excluded = np.zeros(len(targets["boxes"]), bool)
        for name in ("crowd",) if self.train_difficult else ("crowd", "difficult"):
            excluded |= np.asarray(targets.get(name, excluded), bool)
        return excluded

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[Detections]:
        """Detections in original pixels, by falling score."""
        predictions: list[Detections] = []
        for rows, geometry in zip(outputs["boxes"], geometries):
            rows = rows[detected_rows(rows, geometry)]
            predictions.append(
                {
                    "boxes": geometry.boxes_to_original(rows[:, 2:6]),
                    "scores": rows[:, 1].astype(np.float32),
                    "classes": rows[:, 0].astype(np.int64),
                }
            )
        return predictions

    def view_merger(self, size: tuple[int, int]) -> Merger:
        """A merger by one suppression over the boxes of all views."""
        suppress = partial(merge_detections, iou=self.nms_iou, limit=self.max_detections)
        return Predictions(self.decode, suppress)

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> Any:
        """Annotated boxes, None if the sample has no target `boxes`."""
        if "boxes" not in targets:
            return None
        names = ("boxes", "classes", "difficult", "crowd", "area", "known_classes")
        return {name: targets[name] for name in names if name in targets}

    def program_lines(self) -> str:
        """Lines that print class, score and box of each detection."""
        return print_boxes(self.name, "boxes")

    def metrics(self) -> list[Metric]:
        """Average precision by the rules of `metric`."""
        metrics: list[Metric] = []
        if self.metric in ("coco", "both"):
            metrics.append(COCOAveragePrecision(self.classes))
        if self.metric in ("voc", "voc07", "both"):
            # COCO has scores AP50/<class>, too.
            key = "VOC50" if self.metric == "both" else "AP50"
            convention = "11point" if self.metric == "voc07" else "area"
            metrics.append(VOCAveragePrecision(self.classes, convention=convention, class_key=key))
        return metrics

    def draw(self, image: np.ndarray, prediction: Any) -> np.ndarray:
        """The detections above `draw_threshold`, with names and scores."""
        return draw_detections(image, prediction, self.classes, self.draw_threshold)

    def draw_truth(self, image: np.ndarray, truth: Any) -> np.ndarray:
        """The annotated boxes with their names; difficult boxes and crowds are marked."""
        return draw_true_boxes(image, truth, self.classes)
