"""Average precision and recall of masks by the COCO evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from densefit.errors import DataError
from densefit.metrics.coco.backends import OWN
from densefit.metrics.coco.match import IOU_THRESHOLDS, Dense, Overlap
from densefit.metrics.coco.metric import COCOMetric
from densefit.metrics.coco.rle import compressed, dense_overlaps, dicts, overlaps
from densefit.metrics.core.metric import metrics
from densefit.metrics.detection.object_columns import Columns, require

_MASKS = {
    "counts": ((), np.object_),
    "size": ((2,), np.int32),
    "bbox": ((4,), np.float64),
    "pixels": ((), np.int64),
}


@metrics.register("coco_mask_ap")
class COCOMaskAveragePrecision(COCOMetric):
    """The twelve numbers of the COCO challenge for masks, and AP and AP50 of each class.

    One prediction is {"masks", "scores" (m,), "classes" (m,)}, one target {"masks", "classes"
    (n,)} and, where known, "crowd" (n,) bool and "area" (n,) in square pixels. "masks" is an
    (m, H, W) array, or a list of COCO run lengths, {"size": [H, W], "counts": ...}; all masks of
    an image have one size. They are stored as run lengths.

    The area of a mask, unless "area" is given, decides whether it is small, medium or large, of a
    prediction too: pycocotools takes the area of the "bbox" if results have one. Everything else,
    and the settings, are as in `COCOAveragePrecision`.
    """

    name = "coco_mask_ap"
    object_name = "mask"
    kind = "segm"

    def __init__(
        self,
        classes: Sequence[str] | int,
        max_detections: int = 100,
        backend: str = OWN,
        score_threshold: float | None = None,
    ) -> None:
        predicted = {**_MASKS, "area": ((), np.float64)}
        super().__init__(classes, max_detections, backend, score_threshold, predicted, _MASKS)

    def _shapes(self, part: Mapping[str, Any], side: str, where: str) -> Columns:
        require(part, ("masks",), side, where)
        counts, sizes = compressed(part["masks"], where)
        columns = {"counts": np.array(counts, np.object_), "size": sizes}
        masks = dicts(columns)
        pixels = np.array(coco.area(masks) if masks else [], np.int64)
        boxes = np.array(coco.toBbox(masks) if masks else [], np.float64).reshape(-1, 4)
        return {**columns, "bbox": boxes, "pixels": pixels, "area": pixels.astype(np.float64)}

    def _check(self, columns: Columns, names: Sequence[str]) -> None:
        """Do nothing: `compressed` has checked the run lengths."""

    def _check_pair(self, detections: Columns, truth: Columns, ids: Sequence[str]) -> None:
        images = np.concatenate([truth["image"], detections["image"]])
        sizes = np.concatenate([truth["size"], detections["size"]])
        if not len(images):
            return
        order = np.argsort(images, kind="stable")
        images, sizes = images[order], sizes[order]
        other = (images[1:] == images[:-1]) & (sizes[1:] != sizes[:-1]).any(axis=1)
        if other.any():
            row = int(other.argmax())
            raise DataError(
                "The masks of an image differ in size",
                expected="one height and width, of the original image",
                received=" and ".join(f"{h} x {w}" for h, w in sizes[row : row + 2].tolist()),
                where=f"sample {ids[images[row]]!r}",
            )

    def _overlap(self, detections: Columns, truth: Columns) -> Overlap:
        least = IOU_THRESHOLDS[0]
        return lambda rows, truths: overlaps(detections, truth, rows, truths, least)

    def _dense(self, detections: Columns, truth: Columns) -> Dense:
        least = IOU_THRESHOLDS[0]
        return lambda rows, truths: dense_overlaps(detections, truth, rows, truths, least)

    def _annotated(self, columns: Columns) -> list[dict[str, Any]]:
        boxes = columns["bbox"].tolist()
        return [{"segmentation": mask, "bbox": box} for mask, box in zip(dicts(columns), boxes)]
