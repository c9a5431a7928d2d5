"""Analysis of detections: confusions, kinds of errors, missed sizes, thresholds, calibration."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np

from densefit.metrics.core.detail import Curve, Curves
from densefit.metrics.core.operating_point import best_threshold
from densefit.metrics.core.threshold_curves import best_thresholds, by_threshold
from densefit.metrics.detection.confusion import EDGES, confusion, sizes_by_outcome
from densefit.metrics.detection.detections import DetectionMetric
from densefit.metrics.detection.error_kinds import KINDS, error_kinds, image_f1
from densefit.metrics.detection.image_ranks import image_ranks
from densefit.metrics.detection.pairing import Pairing, pair
from densefit.metrics.detection.score_calibration import ScoreCalibration, score_calibration
from densefit.tools.analysis.details import curves_values, matrix_values, number
from densefit.tools.analysis.scored_sample import ScoredSample

Columns = dict[str, np.ndarray]
BINS = 15


def detection_analysis(
    metric: DetectionMetric, iou: float, score_threshold: float | None
) -> tuple[dict[str, Any], list[ScoredSample]]:
    """Analyse the detections that a metric stores.

    Args:
        metric: a metric that has seen a dataset.
        iou: overlap that a match exceeds.
        score_threshold: least score; by default that of the highest mean F1.

    Returns:
        (JSON values, all images with their F1). Keypoints have no boxes: they get no confusion
        matrix, no kinds of errors, and no images.
    """
    values: dict[str, Any] = {"classes": metric.classes}
    curves = metric.details().get("precision_recall")
    if isinstance(curves, Curves):
        if score_threshold is None:
            score_threshold = best_threshold(curves)
        values["curves"] = {"precision_recall": curves_values(curves)}
        for key, over_scores in by_threshold(curves).items():
            values["curves"][f"{key}_by_threshold"] = curves_values(over_scores)
        best = best_thresholds(curves)
        values["best_thresholds"] = {name: asdict(point) for name, point in best.items()}
    outcomes = metric.outcomes()
    counted = outcomes.is_right | outcomes.is_wrong
    calibration = score_calibration(outcomes.scores[counted], outcomes.is_right[counted], bins=BINS)
    values["calibration"] = _calibration_values(calibration)
    values.setdefault("curves", {})["reliability"] = curves_values(_reliability(calibration))
    detections, truth = _with_boxes(metric.predicted()), _with_boxes(metric.true())
    if detections is None or truth is None:
        return values, []
    pairing = pair(detections, truth, iou, score_threshold or 0.0)
    matrix = confusion(pairing, detections["classes"], truth["classes"], metric.classes)
    sizes = sizes_by_outcome(pairing, detections["classes"], truth)
    values.update(
        iou=iou,
        score_threshold=pairing.score_threshold,
        confusion=matrix_values(matrix),
        sizes={"edges": EDGES, **{name: counts.tolist() for name, counts in sizes.items()}},
    )
    samples = _samples(metric, pairing, detections, truth)
    totals: Counter[tuple[int, str]] = Counter()
    for sample in samples:
        totals.update(sample.outcomes)
    values["kinds"] = {
        kind: [totals[label, kind] for label in range(len(metric.classes))] for kind in KINDS
    }
    return values, samples


def _with_boxes(columns: Columns) -> Columns | None:
    """Columns with "boxes" (n, 4) xyxy; None for objects without boxes."""
    if "boxes" in columns:
        return columns
    if "bbox" not in columns:
        return None
    boxes = columns["bbox"].copy()
    boxes[:, 2:] += boxes[:, :2]
    return {**columns, "boxes": boxes}


def _samples(
    metric: DetectionMetric, pairing: Pairing, detections: Columns, truth: Columns
) -> list[ScoredSample]:
    kinds = error_kinds(pairing, detections, truth)
    samples = []
    for key, rank in zip(metric.ids, image_ranks(metric.ids).tolist()):
        outcomes = kinds.get(rank, Counter())
        samples.append(ScoredSample(key, image_f1(outcomes), outcomes))
    return samples


def _calibration_values(calibration: ScoreCalibration) -> dict[str, Any]:
    return {
        "ECE": number(calibration.ECE),
        "MCE": number(calibration.MCE),
        "bins": len(calibration.counts),
        "counts": calibration.counts.tolist(),
        "detections": int(calibration.counts.sum()),
    }


def _reliability(calibration: ScoreCalibration) -> Curves:
    """Share of right detections over their mean score, a point for each bin with detections."""
    filled = calibration.counts > 0
    counts = calibration.counts[filled]
    lines = {
        "measured": Curve(calibration.scores[filled] / counts, calibration.right[filled] / counts),
        "perfect": Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0])),
    }
    return Curves("score", "share that is right", lines, "Reliability")
