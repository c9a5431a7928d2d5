"""Run the COCO evaluation of the packages pycocotools and faster-coco-eval."""

from __future__ import annotations

import contextlib
import gc
import io
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.coco.accumulate import Accumulated

OWN = "densefit"
BACKENDS = (OWN, "faster-coco-eval", "pycocotools")


def check_backend(name: str) -> str:
    """Return `name`; raise ConfigError if it is unknown, or not installed."""
    if name not in BACKENDS:
        raise ConfigError(
            "Unknown backend of the COCO evaluation",
            expected=" or ".join(BACKENDS),
            received=repr(name),
        )
    if name == "faster-coco-eval" and find_spec("faster_coco_eval") is None:
        raise ConfigError(
            "The backend faster-coco-eval is not installed",
            fix="pip install 'densefit[coco]', or the backend 'densefit': the same numbers",
        )
    return name


def _read(package: str) -> tuple[Any, Any]:
    """Import the classes (COCO, COCOeval) of a package late, as they are slow to load."""
    if package == "pycocotools":
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    else:
        from faster_coco_eval import COCO
        from faster_coco_eval import COCOeval_faster as COCOeval
    return COCO, COCOeval


def _annotations(
    columns: Mapping[str, np.ndarray], shapes: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Convert columns to COCO annotations.

    Ids count from 1: the evaluation marks a match by the id of the other side and reads 0 as
    "unmatched".
    """
    count = len(shapes)
    crowd = columns.get("crowd", np.zeros(count, bool)).astype(int)
    scores = columns.get("scores", np.ones(count))
    parts = (columns["image"], columns["classes"], columns["area"], crowd, scores)
    return [
        {
            "id": number,
            "image_id": image,
            "category_id": label,
            "area": area,
            "iscrowd": flag,
            "score": score,
            **shape,
        }
        for number, (shape, image, label, area, flag, score) in enumerate(
            zip(shapes, *(part.tolist() for part in parts)), start=1
        )
    ]


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause garbage collection.

    Hundreds of thousands of new annotations make the collector traverse all of them repeatedly: a
    third of the time of an evaluation of 5,000 images.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def evaluate(
    package: str,
    kind: str,
    detections: tuple[Mapping[str, np.ndarray], Sequence[Mapping[str, Any]]],
    truth: tuple[Mapping[str, np.ndarray], Sequence[Mapping[str, Any]]],
    images: int,
    classes: int,
    limits: Sequence[int],
    sigmas: np.ndarray | None = None,
) -> Accumulated:
    """Run a COCO evaluation by a package; nothing is printed.

    Args:
        package: "pycocotools" or "faster-coco-eval".
        kind: "bbox", "segm" or "keypoints".
        detections: columns "image", "classes", "scores", "area", and for each detection its
            annotation's shape: "bbox", "segmentation" or "keypoints".
        truth: columns "image", "classes", "area", "crowd", at least one row, and the shape of
            each annotation.
        images: number of images, with and without objects.
        classes: number of classes.
        limits: ascending numbers of highest-scoring detections of each image and class.
        sigmas: sigmas of keypoints.
    """
    coco_class, evaluator_class = _read(package)
    about = {
        # Run lengths have their size; the size of the image is required, and not used.
        "images": [{"id": image, "height": 1, "width": 1} for image in range(images)],
        "categories": [{"id": label, "name": str(label)} for label in range(classes)],
    }
    sides = []
    prints = package == "pycocotools"  # and nothing can stop it
    quiet = contextlib.redirect_stdout(io.StringIO()) if prints else contextlib.nullcontext()
    with quiet, _collector_paused():
        for columns, shapes in (truth, detections):
            side = coco_class()
            side.dataset = {**about, "annotations": _annotations(columns, shapes)}
            side.createIndex()
            sides.append(side)
        evaluator = evaluator_class(*sides, iouType=kind)
        evaluator.params.maxDets = list(limits)
        evaluator.params.catIds = list(range(classes))
        if sigmas is not None:
            evaluator.params.kpt_oks_sigmas = sigmas
        evaluator.evaluate()
        evaluator.accumulate()
    precision = np.array(evaluator.eval["precision"], np.float64)[..., -1]  # at the last limit
    recall = np.array(evaluator.eval["recall"], np.float64)
    precision[precision < 0] = np.nan
    recall[recall < 0] = np.nan
    return Accumulated(
        np.arange(classes), precision.transpose(3, 0, 2, 1), recall.transpose(2, 3, 0, 1)
    )
