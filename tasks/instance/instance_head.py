"""What all heads of boxes with masks share: ground truth, metrics, drawing, merging of views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.loader.views import View
from densefit.data.sample import Sample
from densefit.metrics import COCOMaskAveragePrecision, Metric
from densefit.model.heads.box_target import BoxTarget
from densefit.model.tta.view_merger import Merger, Predictions
from densefit.tasks.detection.box_head import BoxHead
from densefit.tasks.detection.merge import select_detections

from .drawing import draw_annotated, draw_predicted
from .scoring import BoxAveragePrecision, true_masks

#: Settings of the detector that a head of instances sets.
SHARED_SETTINGS = ("classes", "name", "weight", "metric", "target")


class InstanceHead(BoxTarget):
    """A head whose predictions are boxes with a mask each, made from the boxes of a detector.

    Predictions are dicts: `boxes` (m, 4) float32 xyxy in original pixels, `scores` (m,) float32,
    `classes` (m,) int64 and `masks`, m COCO run lengths of the original size, by falling score.

    Attributes:
        detector: the head of the boxes.
        classes: the classes without the background.
        metric: "mask" or "both".
    """

    targets = ("boxes", "classes", "instances", "instance_ids")
    class_target = "classes"
    resizable = True
    supports_crops = True

    detector: BoxHead
    classes: list[str]
    metric: str

    def class_rows(self) -> dict[str, list[Any]]:
        """Classes of the rows of the detector."""
        self.detector.learned_names = self.learned_names
        return self.detector.class_rows()

    def objects(self, sample: Sample) -> int:
        """Number of boxes to learn."""
        return self.detector.objects(sample)

    def view_merger(self, size: tuple[int, int]) -> Merger:
        """A merger by one suppression over the boxes of all views, with their masks."""
        return Predictions(self.decode, self._merge)

    def _merge(self, predictions: Sequence[Any], views: Sequence[View]) -> dict[str, Any]:
        limits = self.detector.nms_iou, self.detector.max_detections
        chosen = select_detections(predictions, views, *limits)
        names = ("boxes", "scores", "classes")
        merged = {key: np.concatenate([part[key] for part in predictions])[chosen] for key in names}
        masks = [mask for part in predictions for mask in part["masks"]]
        return {**merged, "masks": [masks[row] for row in chosen]}

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> Any:
        """Annotated objects with masks, None without boxes or instances."""
        return true_masks(targets)

    def metrics(self) -> list[Metric]:
        """COCO's average precision of masks, and of boxes with `metric="both"`.

        Over 100 detections per image and class, or `max_detections` if that is more.
        """
        limit = max(100, self.detector.max_detections)
        metrics: list[Metric] = [COCOMaskAveragePrecision(self.classes, limit)]
        if self.metric == "both":
            metrics.append(BoxAveragePrecision(self.classes, limit))
        return metrics

    def draw(self, image: np.ndarray, prediction: Any) -> np.ndarray:
        """The detections above the detector's `draw_threshold`, each in a colour of its own."""
        return draw_predicted(image, prediction, self.classes, self.detector.draw_threshold)

    def draw_truth(self, image: np.ndarray, truth: Any) -> np.ndarray:
        """The annotated objects, each in a colour of its own; crowds are marked."""
        return draw_annotated(image, truth, self.classes)
