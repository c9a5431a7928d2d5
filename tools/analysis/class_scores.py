"""Counts, scores and thresholds of a head's classes after a score pass."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.metrics.classification.confusion import ClassConfusion
from densefit.metrics.core.detail import Curves
from densefit.metrics.core.threshold_curves import best_thresholds
from densefit.metrics.dense.confusion import ConfusionMatrix
from densefit.metrics.detection.detections import DetectionMetric
from densefit.tools.analysis.details import matrix_values
from densefit.tools.analysis.pass_metrics import unwrapped
from densefit.tools.report.class_scores import ClassScores
from densefit.tools.report.table import by_class

_NAN = math.nan
_LAST = ("AP50", "AP")
_OPERATING = ("precision", "recall", "threshold")
_NOTE = "precision and recall at the threshold: where F1 is highest on these images"


def class_scores(metrics: Sequence[Any], scores: Mapping[str, float]) -> ClassScores | None:
    """Numbers of the classes of a head; None for heads whose metrics have no such classes.

    Args:
        metrics: metrics that have seen a dataset.
        scores: the scores of these metrics, "<key>" or "<key>/<class>".
    """
    plain = unwrapped(metrics)
    _, by_name = by_class(scores)
    for metric in plain:
        if isinstance(metric, DetectionMetric):
            return _of_objects(metric, by_name)
        if isinstance(metric, ConfusionMatrix):
            return _of_pixels(metric, by_name)
        if isinstance(metric, ClassConfusion):
            return _of_images(metric)
    return None


def _of_objects(metric: DetectionMetric, scores: Mapping[str, Mapping[str, float]]) -> ClassScores:
    """Images and objects that count, the best threshold of each class, and its AP."""
    truth = metric.true()
    counts = ~(truth["difficult"] | truth["crowd"])
    classes, images = truth["classes"][counts], truth["image"][counts]
    count = len(metric.classes)
    objects = np.bincount(classes, minlength=count)
    pairs = np.unique(np.stack([images, classes]), axis=1)
    with_objects = np.bincount(pairs[1], minlength=count)
    curves = metric.details().get("precision_recall")
    best = best_thresholds(curves) if isinstance(curves, Curves) else {}
    columns = _columns(scores)
    at_threshold = "precision" in columns  # of the setting score_threshold
    rows = {}
    for index, name in enumerate(metric.classes):
        point = best.get(name)
        is_there = point is not None and point.F1 > 0 and not at_threshold
        operating = {} if at_threshold else dict.fromkeys(_OPERATING, _NAN)
        if point is not None and is_there:
            operating = {key: getattr(point, key) for key in _OPERATING}
        rows[name] = {
            "images": int(with_objects[index]),
            "objects": int(objects[index]),
            **operating,
            **{key: scores.get(name, {}).get(key, _NAN) for key in columns},
        }
    return ClassScores(rows, "AP" if "AP" in columns else "objects", "" if at_threshold else _NOTE)


def _columns(scores: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Scores of the classes: the one that counts most comes last."""
    names = dict.fromkeys(key for row in scores.values() for key in row)
    return [*(key for key in names if key not in _LAST), *(key for key in _LAST if key in names)]


def _of_pixels(metric: ConfusionMatrix, scores: Mapping[str, Mapping[str, float]]) -> ClassScores:
    """IoU, accuracy, further scores but for Dice, which says what the IoU says; true pixels."""
    further = [key for key in _columns(scores) if key not in ("IoU", "accuracy", "Dice")]
    rows = {
        name: {
            **{key: scores.get(name, {}).get(key, _NAN) for key in ("IoU", "accuracy", *further)},
            "pixels": count,
        }
        for name, count in zip(metric.classes, metric.matrix.sum(axis=1).tolist())
    }
    return ClassScores(rows, "IoU")


def _of_images(metric: ClassConfusion) -> ClassScores:
    """Accuracy and counts, with the confusions."""
    matrix = metric.matrix
    rows = {}
    for index, name in enumerate(metric.classes):
        total, right = int(matrix[index].sum()), int(matrix[index, index])
        accuracy = right / total if total else _NAN
        rows[name] = {"images": total, "right": right, "accuracy": accuracy}
    detail: Any = metric.details()["confusion"]
    confusion = {**matrix_values(detail), "what": "images"}
    return ClassScores(rows, "accuracy", confusion=confusion if matrix.any() else {})
