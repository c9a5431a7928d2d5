"""The COCO evaluation by the packages pycocotools and faster-coco-eval."""

from __future__ import annotations

import contextlib
import gc
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.coco.accumulate import Accumulated

OWN = "densefit"
BACKENDS = (OWN, "faster-coco-eval", "pycocotools")


def check_backend(name: str) -> str:
    """`name`; raises ConfigError if it is none of `BACKENDS`."""
    if name not in BACKENDS:
        raise ConfigError(
            "Unknown backend of the COCO evaluation",
            expected=" or ".join(BACKENDS),
            received=repr(name),
        )
    return name


def _read(package: str) -> tuple[Any, Any]:
    """The classes (COCO, COCOeval) of a package; imported late, they are slow to load."""
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
    """Columns as COCO annotations.

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
    package: str,
    kind: str,
    found: tuple[Mapping[str, np.ndarray], Sequence[Mapping[str, Any]]],
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
        found: columns "image", "classes", "scores", "area", and of each detection what else its
            annotation has: "bbox", "segmentation" or "keypoints".
        truth: columns "image", "classes", "area", "crowd", one row at least, and what else each
            annotation has.
        images: number of images, with and without objects.
        classes: number of classes.
        limits: rising numbers of best detections that are looked at, in each image and class.
        sigmas: of keypoints.
    """
    coco_class, evaluator_class = _read(package)
    about = {
        # Run lengths have their size; the image's is only asked for.
        "images": [{"id": image, "height": 1, "width": 1} for image in range(images)],
        "categories": [{"id": label, "name": str(label)} for label in range(classes)],
    }
    sides = []
    prints = package == "pycocotools"  # and nothing can stop it
    quiet = contextlib.redirect_stdout(io.StringIO()) if prints else contextlib.nullcontext()
    with quiet, _collector_paused():
        for columns, shapes in (truth, found):
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
