"""F1, precision and recall: macro, micro and weighted averages, and of each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.metrics.core.additive import AdditiveMetric
from densefit.metrics.core.arrays import counted, first_row
from densefit.metrics.core.class_scores import scores_or_indices
from densefit.metrics.core.classes import class_names, mean_defined
from densefit.metrics.core.metric import metrics
from densefit.metrics.core.one_hot import OneHot
from densefit.metrics.core.operating_point import precision_recall_f1

KEYS = ("precision", "recall", "F1")


def f1_numbers(
    true_positives: np.ndarray,
    false_positives: np.ndarray,
    positives: np.ndarray,
    names: Sequence[str],
) -> dict[str, float]:
    """Compute precision, recall and F1 in every average.

    Undefined values are nan and in no mean: precision of a class that is never predicted, recall
    of a class without positives, F1 of a class with neither. Equal to scikit-learn's
    `precision_recall_fscore_support` with `zero_division=nan` (its default is 0).

    >>> f1_numbers([3, 0], [0, 1], [4, 0], ["cat", "dog"])["F1_micro"]
    0.75

    Args:
        true_positives: (K,) counts.
        false_positives: (K,) counts.
        positives: (K,) counts of true positives and false negatives together.
        names: names of the K classes.

    Returns:
        For each of "precision", "recall", "F1": "<it>_macro" (the mean over classes),
        "<it>_micro" (of the summed counts), "<it>_weighted" (the mean over classes, weighted by
        `positives`), and "<it>/<class>".
    """
    counts = [np.asarray(part) for part in (true_positives, false_positives, positives)]
    pooled = precision_recall_f1(*(part.sum() for part in counts))
    each = precision_recall_f1(*counts)
    numbers = {}
    for key, micro, values in zip(KEYS, pooled, each):
        numbers[f"{key}_macro"] = mean_defined(values)
        numbers[f"{key}_micro"] = float(micro)
        numbers[f"{key}_weighted"] = _weighted(values, counts[2])
    for key, values in zip(KEYS, each):
        numbers.update((f"{key}/{name}", float(value)) for name, value in zip(names, values))
    return numbers


def _weighted(values: np.ndarray, weights: np.ndarray) -> float:
    """Weighted mean of the values that are not nan; the plain mean if no weight is left."""
    defined = ~np.isnan(values)
    if not weights[defined].any():
        return mean_defined(values)
    return float(np.average(values[defined], weights=weights[defined]))


class F1Counts(AdditiveMetric):
    """Base of the F1 metrics: true positives, false positives and positives of each class.

    Args:
        classes: names in index order, or their number.

    Attributes:
        true_positives, false_positives, positives: (K,) int64.
    """

    primary = "F1_macro"
    true_positives: np.ndarray
    false_positives: np.ndarray
    positives: np.ndarray

    def __init__(self, classes: Sequence[str] | int) -> None:
        self.classes = class_names(classes)
        shape = (len(self.classes),)
        fields = ("true_positives", "false_positives", "positives")
        super().__init__({name: (shape, int) for name in fields})

    def add(self, hits: np.ndarray, predicted: np.ndarray, positives: np.ndarray) -> None:
        """Add (K,) counts of each class: true positives, predictions, positives."""
        self.true_positives += hits
        self.false_positives += predicted - hits
        self.positives += positives

    def compute(self) -> dict[str, float]:
        return f1_numbers(self.true_positives, self.false_positives, self.positives, self.classes)


@metrics.register("f1_score")
class F1(F1Counts):
    """F1, precision and recall where each sample (or pixel) has one class.

    Predictions are scores (n, C) or (n, C, H, W), whose highest wins (the lowest index among
    equals), or class indices (n,) or (n, H, W); targets are class indices (n,) or
    (n, H, W). A matrix of whole numbers with the shape of the targets is read as class indices, and
    targets may be one-hot rows (n, C) or (n, C, H, W); `OneHot` distinguishes them.

    "F1_macro" is the primary number; see `f1_numbers` for all and for undefined values. "micro" is
    the accuracy here, as a wrong sample is one false positive and one false negative. For samples
    that may have several labels there is "multilabel_f1".

    Args:
        classes: names in index order, or their number.
        ignore_label: targets with this label count nowhere.
        one_hot: whether targets with the shape of the predictions are one-hot rows; None infers it
            from the numbers.
    """

    name = "f1_score"

    def __init__(
        self,
        classes: Sequence[str] | int,
        ignore_label: int | None = None,
        one_hot: bool | None = None,
    ) -> None:
        super().__init__(classes)
        self.ignore_label = ignore_label
        self._one_hot = OneHot(one_hot, self.name)

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        if not len(ids):
            return
        classes = len(self.classes)
        values, labels, are_scores = scores_or_indices(
            predictions, targets, ids, self._one_hot, classes
        )
        predicted = highest(values, classes, ids) if are_scores else values
        mask = counted(labels, classes, self.ignore_label, ids)
        if mask is None:
            mask = np.ones(labels.shape, bool)
        wrong = mask & ((predicted < 0) | (predicted >= classes))
        if wrong.any():
            raise DataError(
                "A prediction is not a class index",
                expected=f"0 to {classes - 1}",
                received=int(predicted[wrong][0]),
                where=f"sample {ids[first_row(wrong)]!r}",
            )
        predicted, labels = predicted[mask], labels[mask]
        self.add(
            np.bincount(labels[predicted == labels], minlength=classes),
            np.bincount(predicted, minlength=classes),
            np.bincount(labels, minlength=classes),
        )


def highest(scores: np.ndarray, classes: int, ids: Sequence[str]) -> np.ndarray:
    """Class with the highest score. Raises DataError for another number of classes, and for nan."""
    if scores.shape[1] != classes:
        raise DataError(
            "There is not one score for each class",
            expected=f"shape (n, {classes}, ...)",
            received=f"shape {scores.shape}",
        )
    is_nan = np.isnan(scores)
    if is_nan.any():
        raise DataError(
            "A score is nan",
            expected="a number for each class",
            where=f"sample {ids[first_row(is_nan)]!r}",
        )
    return scores.argmax(axis=1)
