"""Precision, recall and F1 out of counts: what a detector does at one score threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.metrics.core.detail import Curves

_CANDIDATES = 1000  # scores that are compared at most


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
    """The three numbers of each class, as in scikit-learn with `zero_division=nan`.

    >>> [float(value[0]) for value in precision_recall_f1([3], [1], [6])]
    [0.75, 0.5, 0.6]

    Args:
        true_positives: (...) counts of what was found and is there.
        false_positives: (...) counts of what was found and is not there.
        positives: (...) counts of what is there: true positives and false negatives together.

    Returns:
        (precision, recall, F1), each (...) float64. Precision is nan where nothing was found,
        recall where nothing is there, F1 = 2 TP / (2 TP + FP + FN) only where both are so.
    """
    right = np.asarray(true_positives, np.float64)
    found = right + np.asarray(false_positives, np.float64)
    there = np.asarray(positives, np.float64)
    return ratio(right, found), ratio(right, there), ratio(2 * right, found + there)


def best_threshold(curves: Curves) -> float | None:
    """The score from which on the mean F1 of the classes is highest; None if no curve tells it.

    >>> from densefit.metrics.core.detail import Curve
    >>> curve = Curve(np.array([0.5, 1.0]), np.array([1.0, 1.0]), threshold=np.array([0.9, 0.3]))
    >>> best_threshold(Curves("recall", "precision", {"cat": curve}, "one class"))
    0.3

    Args:
        curves: recall (x) and precision (y), a point for each score, falling.
    """
    known = [one for one in curves.lines.values() if one.threshold is not None and len(one.x)]
    thresholds = [one.threshold for one in known if one.threshold is not None]
    if not known:
        return None
    candidates = np.unique(np.concatenate(thresholds))
    if len(candidates) > _CANDIDATES:
        candidates = candidates[np.linspace(0, len(candidates) - 1, _CANDIDATES).astype(int)]
    total = np.zeros(len(candidates))
    for one, scores in zip(known, thresholds):
        values = np.append(0.0, 2 * ratio(one.x * one.y, one.x + one.y))
        values[np.isnan(values)] = 0.0
        # How many scores are a candidate or higher: the point that they end at.
        total += values[np.searchsorted(-scores, -candidates, side="right")]
    return float(candidates[total.argmax()]) if total.any() else None


def operating_point(
    true_positives: np.ndarray,
    false_positives: np.ndarray,
    positives: np.ndarray,
    names: Sequence[str],
) -> dict[str, float]:
    """Precision, recall and F1 over all classes together, and of each class.

    Over all classes together means of the summed counts ("micro"): a class weighs as much as it
    is frequent. For undefined numbers (nan) see `precision_recall_f1`.

    >>> numbers = operating_point([3, 0], [1, 0], [6, 0], ["cat", "dog"])
    >>> numbers["precision"], numbers["recall"], numbers["F1"], numbers["recall/dog"]
    (0.75, 0.5, 0.6, nan)

    Args:
        true_positives: (K,) counts of what was found and is there.
        false_positives: (K,) counts of what was found and is not there.
        positives: (K,) counts of what is there.
        names: of the K classes.

    Returns:
        "precision", "recall", "F1", and after them "precision/<class>" of all classes,
        "recall/<class>" and "F1/<class>".
    """
    counts = [np.asarray(part) for part in (true_positives, false_positives, positives)]
    keys = ("precision", "recall", "F1")
    together = precision_recall_f1(*(part.sum() for part in counts))
    numbers = {key: float(value) for key, value in zip(keys, together)}
    for key, values in zip(keys, precision_recall_f1(*counts)):
        numbers.update((f"{key}/{name}", float(value)) for name, value in zip(names, values))
    return numbers
