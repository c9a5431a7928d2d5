"""Average precision and recall of boxes by the COCO evaluation."""

from __future__ import annotations

import contextlib
import gc
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.classes import mean_defined
from densefit.metrics.detections import DetectionMetric
from densefit.metrics.metric import metrics

BACKENDS = ("faster-coco-eval", "pycocotools")

# The two of the ten IoU thresholds 0.50, 0.55 ... 0.95, and the area ranges, that are reported.
_IOU_50, _IOU_75 = 0, 5
_ALL, _SMALL, _MEDIUM, _LARGE = range(4)


def _read(backend: str) -> tuple[Any, Any]:
    """The classes (COCO, COCOeval) of a backend; imported late, they are slow to load."""
    if backend == "pycocotools":
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    else:
        from faster_coco_eval import COCO
        from faster_coco_eval import COCOeval_faster as COCOeval
    return COCO, COCOeval


def _annotations(columns: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Columns of boxes as COCO annotations.

    Ids count from 1: the evaluation marks a match by the id of the other side and reads 0 as
    "unmatched".
    """
    boxes = columns["boxes"].copy()
    boxes[:, 2:] -= boxes[:, :2]
    area = columns.get("area")
    if area is None:
        area = boxes[:, 2] * boxes[:, 3]
    crowd = columns.get("crowd")
    if crowd is None:
        crowd = np.zeros(len(boxes), bool)
    scores = columns.get("scores")
    if scores is None:
        scores = np.ones(len(boxes))
    parts = (columns["image"], columns["classes"], boxes, area, crowd.astype(int), scores)
    return [
        {
            "id": number,
            "image_id": image,
            "category_id": label,
            "bbox": box,
            "area": size,
            "iscrowd": flag,
            "score": score,
        }
        for number, (image, label, box, size, flag, score) in enumerate(
            zip(*(part.tolist() for part in parts)), start=1
        )
    ]


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection meanwhile.

    Hundreds of thousands of new annotations make the collector walk through all of them again and
    again: a third of the time of an evaluation of 5,000 images.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def evaluate(
    found: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    images: int,
    classes: int,
    limits: Sequence[int],
    backend: str = BACKENDS[0],
) -> tuple[np.ndarray, np.ndarray]:
    """Run a COCO evaluation of boxes; nothing is printed.

    Args:
        found: columns "image", "classes", "boxes" (xyxy), "scores".
        truth: columns "image", "classes", "boxes", "area", "crowd".
        images: number of images, with and without boxes.
        classes: number of classes.
        limits: rising numbers of best detections that are looked at, in each image and class.
        backend: one of `BACKENDS`.

    Returns:
        (precision (10, 101, classes, 4, limits), recall (10, classes, 4, limits)), float64: IoU
        threshold, recall threshold, class, area range (all, small, medium, large), limit; nan
        where a class has no true box in the area range.
    """
    coco_class, evaluator_class = _read(backend)
    about = {
        "images": [{"id": image} for image in range(images)],
        "categories": [{"id": label, "name": str(label)} for label in range(classes)],
    }
    sides = []
    prints = backend == "pycocotools"  # and nothing can stop it
    quiet = contextlib.redirect_stdout(io.StringIO()) if prints else contextlib.nullcontext()
    with quiet, _collector_paused():
        for columns in (truth, found):
            side = coco_class()
            side.dataset = {**about, "annotations": _annotations(columns)}
            side.createIndex()
            sides.append(side)
        evaluator = evaluator_class(*sides, iouType="bbox")
        evaluator.params.maxDets = list(limits)
        evaluator.evaluate()
        evaluator.accumulate()
    precision = np.array(evaluator.eval["precision"], np.float64)
    recall = np.array(evaluator.eval["recall"], np.float64)
    precision[precision < 0] = np.nan
    recall[recall < 0] = np.nan
    return precision, recall


@metrics.register("coco_ap")
class COCOAveragePrecision(DetectionMetric):
    """The twelve numbers of the COCO detection challenge, and AP and AP50 of each class.

    "difficult" means nothing here. A box's "area" (of its mask, where the annotation has one)
    decides whether it is small (up to 32**2), medium or large (from 96**2). Crowds take any number
    of detections and count for nothing. A class without true boxes is nan, and in no mean.

    Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, as the package pycocotools
    computes it: 10 IoU thresholds, 101 recall thresholds.

    Args:
        classes: the names in index order, or their number.
        max_detections: how many of the best detections of an image and class are looked at. The
            challenge has 100; with another number, "AR100" is called after it.
        backend: "faster-coco-eval", or "pycocotools": the same numbers, several times slower.
    """

    name = "coco_ap"
    primary = "AP"

    def __init__(
        self, classes: Sequence[str] | int, max_detections: int = 100, backend: str = BACKENDS[0]
    ) -> None:
        if backend not in BACKENDS:
            raise ConfigError(
                "Unknown backend of the COCO evaluation",
                expected=" or ".join(BACKENDS),
                received=repr(backend),
            )
        if max_detections < 1:
            raise ConfigError(
                "max_detections is not a number of detections",
                expected="1 or more",
                received=max_detections,
            )
        super().__init__(classes)
        self.max_detections = max_detections
        self.backend = backend

    def compute(self) -> dict[str, float]:
        limits = sorted(
            {*(few for few in (1, 10) if few < self.max_detections), self.max_detections}
        )
        truth = self.true()
        if len(truth["image"]):
            precision, recall = evaluate(
                self.predicted(), truth, len(self.ids), len(self.classes), limits, self.backend
            )
        else:  # nothing is defined, and not every backend can do without any box
            precision = np.full((10, 101, len(self.classes), 4, len(limits)), np.nan)
            recall = np.full((10, len(self.classes), 4, len(limits)), np.nan)
        precision = precision[..., -1]  # the smaller limits are for recall only
        numbers = {
            "AP": mean_defined(precision[:, :, :, _ALL]),
            "AP50": mean_defined(precision[_IOU_50, :, :, _ALL]),
            "AP75": mean_defined(precision[_IOU_75, :, :, _ALL]),
            "AP_small": mean_defined(precision[:, :, :, _SMALL]),
            "AP_medium": mean_defined(precision[:, :, :, _MEDIUM]),
            "AP_large": mean_defined(precision[:, :, :, _LARGE]),
        }
        for place, limit in enumerate(limits):
            numbers[f"AR{limit}"] = mean_defined(recall[:, :, _ALL, place])
        numbers["AR_small"] = mean_defined(recall[:, :, _SMALL, -1])
        numbers["AR_medium"] = mean_defined(recall[:, :, _MEDIUM, -1])
        numbers["AR_large"] = mean_defined(recall[:, :, _LARGE, -1])
        for label, name in enumerate(self.classes):
            numbers[f"AP/{name}"] = mean_defined(precision[:, :, label, _ALL])
        for label, name in enumerate(self.classes):
            numbers[f"AP50/{name}"] = mean_defined(precision[_IOU_50, :, label, _ALL])
        return numbers
