"""Average precision and recall of keypoints by the COCO evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.coco.accumulate import Accumulated
from densefit.metrics.coco.ap import xywh
from densefit.metrics.coco.backends import OWN
from densefit.metrics.coco.match import Overlap
from densefit.metrics.coco.metric import AT_50, AT_75, COCOMetric
from densefit.metrics.coco.oks import COCO_SIGMAS, oks
from densefit.metrics.core.classes import mean_defined
from densefit.metrics.core.metric import metrics
from densefit.metrics.detection.object_columns import (
    PREDICTION,
    Columns,
    check_sides,
    require,
    shaped,
)

_AT_ONCE = 1 << 14  # pairs whose keypoints are compared at once


@metrics.register("coco_keypoint_ap")
class COCOKeypointAveragePrecision(COCOMetric):
    """The ten numbers of the COCO keypoint challenge, and AP and AP50 of each class.

    AP, AP50, AP75, APm, APl, AR, AR50, AR75, ARm, ARl: as for boxes, with the object keypoint
    similarity (see `oks`) in place of IoU.

    One prediction is {"keypoints" (m, K, 3), "scores" (m,)}: x and y in original pixels, the third
    number is ignored. One target is {"keypoints" (n, K, 3): x, y, visibility, over 0 if the
    keypoint is labelled; "boxes" (n, 4) xyxy or "bbox" x, y, width, height} and, where known,
    "area" (n,) in square pixels (else of the box) and "crowd" (n,) bool. "classes" may be left
    out if there is one class only. An object without labelled keypoints does not count, like a
    crowd. The extent of a prediction's keypoints decides whether it is medium or large, unless
    it has an "area".

    Args:
        classes: names in index order, or their number.
        sigmas: (K,) standard deviation of annotations of each keypoint, as a share of the object's
            size; by default of COCO's 17 keypoints.
        max_detections: number of highest-scoring detections of an image and class that are
            evaluated.
        backend: see `COCOAveragePrecision`.
        score_threshold: see `COCOAveragePrecision`; at a similarity of 0.5.

    Raises:
        ConfigError: a sigma is not positive, or what `COCOAveragePrecision` raises.
    """

    name = "coco_keypoint_ap"
    object_name = "set of keypoints"
    kind = "keypoints"
    ranges = ("", "m", "l")

    def __init__(
        self,
        classes: Sequence[str] | int = ("person",),
        sigmas: Sequence[float] | None = None,
        max_detections: int = 20,
        backend: str = OWN,
        score_threshold: float | None = None,
    ) -> None:
        self.sigmas = COCO_SIGMAS if sigmas is None else np.array(sigmas, np.float64)
        if self.sigmas.ndim != 1 or not len(self.sigmas) or not (self.sigmas > 0).all():
            raise ConfigError(
                "Sigmas are not positive numbers, one for each keypoint", received=sigmas
            )
        predicted = {"keypoints": ((len(self.sigmas), 2), np.float64), "area": ((), np.float64)}
        true = {"keypoints": ((len(self.sigmas), 3), np.float64), "bbox": ((4,), np.float64)}
        super().__init__(classes, max_detections, backend, score_threshold, predicted, true)

    def limits(self) -> list[int]:
        return [self.max_detections]

    def _rows(self, part: Any, side: str, where: str) -> Columns:
        if len(self.classes) == 1 and isinstance(part, Mapping) and "classes" not in part:
            require(part, ("keypoints",), side, where)
            part = {**part, "classes": np.zeros(len(part["keypoints"]), np.int64)}
        return super()._rows(part, side, where)

    def _shapes(self, part: Mapping[str, Any], side: str, where: str) -> Columns:
        require(part, ("keypoints",), side, where)
        points = shaped(part["keypoints"], (len(self.sigmas), 3), "keypoints", where)
        if side == PREDICTION:
            points = points[:, :, :2]
            extent = np.ptp(points, axis=1) if len(points) else points[:, 0]
            return {"keypoints": points, "area": extent[:, 0] * extent[:, 1]}
        boxes = xywh(part, side, where)
        return {"keypoints": points, "bbox": boxes, "area": boxes[:, 2] * boxes[:, 3]}

    def _check(self, columns: Columns, names: Sequence[str]) -> None:
        if "bbox" in columns:
            check_sides(columns["bbox"][:, 2:], columns, names)

    def _ignored(self, truth: Columns) -> np.ndarray:
        return ~(truth["keypoints"][:, :, 2] > 0).any(axis=1)

    def _overlap(self, detections: Columns, truth: Columns) -> Overlap:
        def similarity(rows: np.ndarray, truths: np.ndarray) -> np.ndarray:
            return oks(
                detections["keypoints"][rows],
                truth["keypoints"][truths],
                truth["bbox"][truths],
                truth["area"][truths],
                self.sigmas,
            )

        def overlap(rows: np.ndarray, truths: np.ndarray) -> np.ndarray:
            starts = range(0, len(rows), _AT_ONCE)
            parts = [slice(start, start + _AT_ONCE) for start in starts]
            return np.concatenate([similarity(rows[part], truths[part]) for part in parts])

        return overlap

    def _annotated(self, columns: Columns) -> list[dict[str, Any]]:
        points = columns["keypoints"]
        if "bbox" not in columns:
            points = np.concatenate([points, np.ones((*points.shape[:2], 1))], axis=2)
        flat = points.reshape(len(points), -1).tolist()
        visible = (points[:, :, 2] > 0).sum(axis=1).tolist()
        boxes = columns.get("bbox", np.zeros((len(points), 4))).tolist()
        return [
            {"keypoints": keypoints, "num_keypoints": count, "bbox": box}
            for keypoints, count, box in zip(flat, visible, boxes)
        ]

    def _sigmas(self) -> np.ndarray:
        return self.sigmas

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "sigmas": self.sigmas.tolist()}

    def _recalls(self, result: Accumulated) -> dict[str, float]:
        recall = result.recall[:, -1]
        numbers = {
            "AR": mean_defined(recall[0]),
            "AR50": mean_defined(recall[0, AT_50]),
            "AR75": mean_defined(recall[0, AT_75]),
        }
        for area, name in enumerate(self.ranges[1:], start=1):
            numbers[f"AR{name}"] = mean_defined(recall[area])
        return numbers
