"""Score results in COCO's format: boxes, masks or keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from densefit.config import parse
from densefit.errors import ConfigError
from densefit.metrics import (
    COCOAveragePrecision,
    COCOKeypointAveragePrecision,
    COCOMaskAveragePrecision,
    Metric,
)
from densefit.registry import nearest
from densefit.tools.formats.coco_results import read_results
from densefit.tools.formats.coco_truth import Truth, read_truth
from densefit.tools.formats.image_source import Photographs
from densefit.tools.recipes.program import program
from densefit.tools.report.coco_pictures import CocoPictures

from .score_settings import ScoreSettings, required_path, update_metrics, with_shared_settings

KINDS = ("bbox", "segm", "keypoints")


@dataclass
class CocoFiles:
    """Files and settings of a COCO evaluation.

    Args:
        annotations: file of the ground truth, in the COCO format.
        results: file of the predictions, in the COCO results format.
        iou_type: bbox, segm (masks) or keypoints.
        max_detections: highest-scored detections per image and class; by default 100, keypoints 20.
        sigmas: standard deviation of each keypoint's annotation; by default of COCO's 17 keypoints.
        score_threshold: also compute precision, recall and F1 of detections with at least this
            score.
        backend: densefit, faster-coco-eval or pycocotools; all compute the same numbers.
    """

    annotations: str | None = None
    results: str | None = None
    iou_type: str = "bbox"
    max_detections: int | None = None
    sigmas: list[float] | None = None
    score_threshold: float | None = None
    backend: str = "densefit"


@dataclass
class CocoScoring(ScoreSettings, CocoFiles):
    __doc__ = with_shared_settings(CocoFiles)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Average precision and recall of a results file, as pycocotools computes them."
    return program(lambda: run(parse(CocoScoring, arguments, description=text)[0]))


def run(chosen: CocoScoring) -> dict[str, float]:
    """Compare the two files; every annotated image counts."""
    chosen.check()
    if chosen.iou_type not in KINDS:
        raise ConfigError(
            f"{chosen.iou_type!r} cannot be compared",
            where="--iou-type",
            fix=nearest(chosen.iou_type, KINDS),
        )
    annotations = required_path(chosen.annotations, "--annotations", "annotations")
    path = required_path(chosen.results, "--results", "results")
    truth = read_truth(annotations, chosen.iou_type)
    metric = chosen.watched(make_metric(chosen, truth))
    results = read_results(path, truth, chosen.iou_type)
    files = {picture.key: picture.file or str(picture.id) for picture in truth.pictures}
    photographs = Photographs(chosen.images, files)
    update_metrics([metric], CocoPairs(truth, results.predictions), workers=0, together=64)
    return chosen.tell(
        [metric],
        f"{path} on the {len(truth.pictures)} images of {annotations}: {chosen.iou_type}",
        {
            "format": "coco",
            "annotations": str(annotations),
            "results": str(path),
            "iou_type": chosen.iou_type,
            "backend": chosen.backend,
            "samples": len(truth.pictures),
            "objects": sum(len(target["classes"]) for target in truth.targets),
            "detections": results.count,
        },
        CocoPictures(truth, results.predictions, photographs, chosen.drawn_from([metric])),
        [*truth.notes, *results.notes],
    )


def make_metric(chosen: CocoScoring, truth: Truth) -> Metric:
    """Make the metric of the evaluation."""
    limit = chosen.max_detections
    settings: dict[str, Any] = {
        "backend": chosen.backend,
        "score_threshold": chosen.score_threshold,
        **({} if limit is None else {"max_detections": limit}),
    }
    if chosen.iou_type != "keypoints":
        if chosen.sigmas is not None:
            raise ConfigError("Sigmas are for keypoints", fix="--iou-type keypoints")
        kind = COCOAveragePrecision if chosen.iou_type == "bbox" else COCOMaskAveragePrecision
        return kind(truth.classes, **settings)
    count = 17 if chosen.sigmas is None else len(chosen.sigmas)
    if count != truth.keypoints:
        raise ConfigError(
            "There must be a sigma for each keypoint",
            expected=f"{truth.keypoints}, as in {truth.path}",
            received=f"COCO's {count}" if chosen.sigmas is None else count,
            fix='--sigmas "[0.05, 0.07, ...]"',
        )
    return COCOKeypointAveragePrecision(truth.classes, sigmas=chosen.sigmas, **settings)


@dataclass(frozen=True)
class CocoPairs:
    """Images with predictions and ground truth."""

    truth: Truth
    predictions: Sequence[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.predictions)

    def id_of(self, index: int) -> str:
        """Key of an image."""
        return self.truth.pictures[index].key

    def where(self, index: int) -> str:
        """Path of the annotations, for errors."""
        return str(self.truth.path)

    def read(self, index: int) -> tuple[Any, Any]:
        """Read (prediction, target)."""
        return self.predictions[index], self.truth.targets[index]
