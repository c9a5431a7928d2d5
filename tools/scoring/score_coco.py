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

from .score_settings import ScoreSettings, given, update_metrics, with_shared_settings

KINDS = ("bbox", "segm", "keypoints")


@dataclass
class CocoFiles:
    """What is scored, and how.

    Args:
        annotations: the COCO file with what is true.
        results: the file with what was predicted.
        iou_type: what is compared: bbox, segm (masks) or keypoints.
        max_detections: of an image and class that count, the best; 100, of keypoints 20.
        sigmas: of each keypoint, how far apart people place it; those of COCO's 17 by default.
        score_threshold: also give precision, recall and F1 of the detections with this score.
        backend: that computes: densefit, faster-coco-eval or pycocotools; the same numbers.
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
    """Compare the two files; every picture of the annotations counts."""
    chosen.check()
    if chosen.iou_type not in KINDS:
        raise ConfigError(
            f"{chosen.iou_type!r} cannot be compared",
            where="--iou-type",
            fix=nearest(chosen.iou_type, KINDS),
        )
    annotations = given(chosen.annotations, "--annotations", "annotations")
    path = given(chosen.results, "--results", "results")
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
            "objects": sum(len(one["classes"]) for one in truth.targets),
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
        """The picture's key."""
        return self.truth.pictures[index].key

    def where(self, index: int) -> str:
        """The annotations."""
        return str(self.truth.path)

    def read(self, index: int) -> tuple[Any, Any]:
        """(prediction, target)."""
        return self.predictions[index], self.truth.targets[index]
