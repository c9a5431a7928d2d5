"""Precision, recall and F1 over the score threshold, and the best threshold of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densefit.metrics.core.detail import Curve, Curves
from densefit.metrics.core.operating_point import ratio


@dataclass(frozen=True)
class BestThreshold:
    """Score threshold with the highest F1 of a class.

    Attributes:
        threshold: detections with this score or more count.
        precision, recall, F1: at the threshold.
    """

    threshold: float
    precision: float
    recall: float
    F1: float  # noqa: N815  # the name that papers have


def by_threshold(curves: Curves) -> dict[str, Curves]:
    """Curves of "F1", "precision" and "recall" over the score threshold, ascending.

    Args:
        curves: recall (x) and precision (y), a point for each score, descending; lines without
            scores or without points are left out.
    """
    numbers: dict[str, dict[str, Curve]] = {"F1": {}, "precision": {}, "recall": {}}
    for name, curve in curves.lines.items():
        if curve.threshold is None or not len(curve.x):
            continue
        x = np.asarray(curve.threshold)[::-1]
        for key, values in zip(numbers, (f1(curve), curve.y, curve.x)):
            numbers[key][name] = Curve(x, np.asarray(values)[::-1])
    return {
        key: Curves("score threshold", key, lines, f"{key[:1].upper()}{key[1:]} by score threshold")
        for key, lines in numbers.items()
    }


def best_thresholds(curves: Curves) -> dict[str, BestThreshold]:
    """Threshold of the highest F1 of each class, the highest of equal ones.

    >>> curve = Curve(np.array([0.5, 1.0]), np.array([1.0, 0.5]), threshold=np.array([0.9, 0.3]))
    >>> best_thresholds(Curves("recall", "precision", {"cat": curve}, ""))["cat"].threshold
    0.9

    Args:
        curves: as for `by_threshold`.
    """
    best = {}
    for name, curve in curves.lines.items():
        if curve.threshold is None or not len(curve.x):
            continue
        values = f1(curve)
        row = int(values.argmax())
        numbers = (curve.threshold[row], curve.y[row], curve.x[row], values[row])
        best[name] = BestThreshold(*map(float, numbers))
    return best


def f1(curve: Curve) -> np.ndarray:
    """F1 at each point of a precision-recall curve, (n,) float64; 0 without a true positive."""
    recall, precision = np.asarray(curve.x, np.float64), np.asarray(curve.y, np.float64)
    return np.nan_to_num(ratio(2 * recall * precision, recall + precision))
