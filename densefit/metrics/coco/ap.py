"""Average precision and recall of boxes by the COCO evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from densefit.metrics.coco.backends import OWN
from densefit.metrics.coco.match import Dense, Overlap
from densefit.metrics.coco.metric import COCOMetric
from densefit.metrics.core.metric import metrics
from densefit.metrics.detection.boxes import coco_iou
from densefit.metrics.detection.object_columns import (
    PREDICTION,
    Columns,
    check_sides,
    require,
    shaped,
)


def xywh(part: Mapping[str, Any], side: str, where: str) -> np.ndarray:
    """Read x, y, width, height, (n, 4) float64, from "bbox" unchanged, or from "boxes" (xyxy).

    Args:
        part: prediction or target of one image.
        side: PREDICTION or TRUTH, for errors.
        where: the image, for errors.
    """
    if "bbox" in part:
        return shaped(part["bbox"], (4,), "bbox", where)
    require(part, ("boxes",), side, where)
    boxes = shaped(part["boxes"], (4,), "boxes", where)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


@metrics.register("coco_ap")
class COCOAveragePrecision(COCOMetric):
    """The twelve numbers of the COCO detection challenge, and AP and AP50 of each class.

    AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs, ARm, ARl. "difficult" is
    ignored. A box's "area" (of its mask, where the annotation has one) decides whether it is small
    (up to 32**2), medium or large (from 96**2). Crowds match any number of detections and do not
    count. A class without true boxes is nan, and in no mean.

    Boxes are given as "boxes" (n, 4) xyxy, or as "bbox" (n, 4) x, y, width, height, which is
    used bit for bit as a COCO file has it.

    Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, as the package pycocotools
    computes it: 10 IoU thresholds, 101 recall thresholds.

    Args:
        classes: names in index order, or their number.
        max_detections: number of highest-scoring detections of an image and class that are
            evaluated. The challenge has 100; another number stands in the name "AR100".
        backend: "densefit"; or "faster-coco-eval" or "pycocotools", packages that give the same
            numbers to 1e-12, many times slower.
        score_threshold: adds "precision", "recall" and "F1", over all classes and of each class,
            at IoU 0.5 over the detections with this score or more (see `operating_point`).
    """

    name = "coco_ap"
    kind = "bbox"

    def __init__(
        self,
        classes: Sequence[str] | int,
        max_detections: int = 100,
        backend: str = OWN,
        score_threshold: float | None = None,
    ) -> None:
        columns = {"bbox": ((4,), np.float64)}
        super().__init__(classes, max_detections, backend, score_threshold, columns, columns)

    def _shapes(self, part: Mapping[str, Any], side: str, where: str) -> Columns:
        boxes = xywh(part, side, where)
        if side == PREDICTION:
            return {"bbox": boxes}
        return {"bbox": boxes, "area": boxes[:, 2] * boxes[:, 3]}

    def _check(self, columns: Columns, names: Sequence[str]) -> None:
        check_sides(columns["bbox"][:, 2:], columns, names)

    def _predicted_areas(self, detections: Columns) -> np.ndarray:
        return detections["bbox"][:, 2] * detections["bbox"][:, 3]

    def _overlap(self, detections: Columns, truth: Columns) -> Overlap:
        boxes, true, crowd = detections["bbox"], truth["bbox"], truth["crowd"]

        def overlap(rows: np.ndarray, truths: np.ndarray) -> np.ndarray:
            predicted, matched = np.take(boxes, rows, axis=0), np.take(true, truths, axis=0)
            return coco_iou(predicted, matched, crowd[truths])

        return overlap

    def _dense(self, detections: Columns, truth: Columns) -> Dense:
        boxes, true, crowd = detections["bbox"], truth["bbox"], truth["crowd"].astype(np.uint8)

        def overlap(rows: np.ndarray, truths: np.ndarray) -> np.ndarray:
            pair = (np.ascontiguousarray(side) for side in (boxes[rows], true[truths]))
            return np.asarray(coco.iou(*pair, crowd[truths]))

        return overlap

    def _annotated(self, columns: Columns) -> list[dict[str, Any]]:
        return [{"bbox": box} for box in columns["bbox"].tolist()]
