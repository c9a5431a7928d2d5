"""Precision, recall and F1 of counts: the operating point of a score threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.metrics.core.detail import Curves

_CANDIDATES = 1000  # maximum number of thresholds that are compared


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole` in double; nan where `whole` is 0.

    >>> ratio(np.array([1, 0]), np.array([2, 0]))
    array([0.5, nan])
    """
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole != 0)


def precision_recall_f1(
    true_positives: np.ndarray, false_positives: np.ndarray, positives: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 of each class, as in scikit-learn with `zero_division=nan`.

    >>> [float(value[0]) for value in precision_recall_f1([3], [1], [6])]
    [0.75, 0.5, 0.6]

    Args:
        true_positives: (...) counts.
        false_positives: (...) counts.
        positives: (...) counts of true positives and false negatives together.

    Returns:
        (precision, recall, F1), each (...) float64. Precision is nan without predictions, recall
        without positives, F1 = 2 TP / (2 TP + FP + FN) only without both.
    """
    hits = np.asarray(true_positives, np.float64)
    predicted = hits + np.asarray(false_positives, np.float64)
    actual = np.asarray(positives, np.float64)
    return ratio(hits, predicted), ratio(hits, actual), ratio(2 * hits, predicted + actual)


def best_threshold(curves: Curves) -> float | None:
    """Find the score threshold of the highest mean F1 over classes; None without scores.

    >>> from densefit.metrics.core.detail import Curve
    >>> curve = Curve(np.array([0.5, 1.0]), np.array([1.0, 1.0]), threshold=np.array([0.9, 0.3]))
    >>> best_threshold(Curves("recall", "precision", {"cat": curve}, "one class"))
    0.3

    Args:
        curves: recall (x) and precision (y), a point for each score, descending.
    """
    scored = [
        curve for curve in curves.lines.values() if curve.threshold is not None and len(curve.x)
    ]
    thresholds = [curve.threshold for curve in scored if curve.threshold is not None]
    if not scored:
        return None
    candidates = np.unique(np.concatenate(thresholds))
    if len(candidates) > _CANDIDATES:
        candidates = candidates[np.linspace(0, len(candidates) - 1, _CANDIDATES).astype(int)]
    total = np.zeros(len(candidates))
    for curve, scores in zip(scored, thresholds):
        values = np.append(0.0, 2 * ratio(curve.x * curve.y, curve.x + curve.y))
        values[np.isnan(values)] = 0.0
        # The number of scores at or above a candidate is the index of its point.
        total += values[np.searchsorted(-scores, -candidates, side="right")]
    return float(candidates[total.argmax()]) if total.any() else None


def operating_point(
    true_positives: np.ndarray,
    false_positives: np.ndarray,
    positives: np.ndarray,
    names: Sequence[str],
) -> dict[str, float]:
    """Precision, recall and F1 over all classes (micro average), and of each class.

    The micro average is of the summed counts: classes weigh by their frequency. For undefined
    numbers (nan) see `precision_recall_f1`.

    >>> numbers = operating_point([3, 0], [1, 0], [6, 0], ["cat", "dog"])
    >>> numbers["precision"], numbers["recall"], numbers["F1"], numbers["recall/dog"]
    (0.75, 0.5, 0.6, nan)

    Args:
        true_positives: (K,) counts.
        false_positives: (K,) counts.
        positives: (K,) counts of true positives and false negatives together.
        names: names of the K classes.

    Returns:
        "precision", "recall", "F1", then "precision/<class>" of all classes, "recall/<class>" and
        "F1/<class>".
    """
    counts = [np.asarray(part) for part in (true_positives, false_positives, positives)]
    keys = ("precision", "recall", "F1")
    pooled = precision_recall_f1(*(part.sum() for part in counts))
    numbers = {key: float(value) for key, value in zip(keys, pooled)}
    for key, values in zip(keys, precision_recall_f1(*counts)):
        numbers.update((f"{key}/{name}", float(value)) for name, value in zip(names, values))
    return numbers
