"""F1, precision and recall of class labels: averaged over classes in three ways, and of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit.errors import CheckpointError, DataError
from densefit.metrics.core.arrays import counted, first_row, integers, labels_of, rows
from densefit.metrics.core.classes import class_names, mean_defined
from densefit.metrics.core.metric import Metric, metrics
from densefit.metrics.core.one_hot import OneHot, class_labels
from densefit.metrics.core.operating_point import precision_recall_f1
from densefit.metrics.core.state import entry

KEYS = ("precision", "recall", "F1")


def f1_numbers(
    true_positives: np.ndarray,
    false_positives: np.ndarray,
    positives: np.ndarray,
    names: Sequence[str],
) -> dict[str, float]:
    """Precision, recall and F1 in every average.

    What is undefined is nan and in no mean: precision of a class that is never predicted, recall
    of one that is not there, F1 of one that is neither. Equal to scikit-learn's
    `precision_recall_fscore_support` with `zero_division=nan`. (Its default takes 0 for them.)

    >>> f1_numbers([3, 0], [0, 1], [4, 0], ["cat", "dog"])["F1_micro"]
    0.75

    Args:
        true_positives: (K,) counts.
        false_positives: (K,) counts.
        positives: (K,) counts of what is there: true positives and false negatives together.
        names: of the K classes.

    Returns:
        For each of "precision", "recall", "F1": "<it>_macro" (the mean over classes),
        "<it>_micro" (of the summed counts), "<it>_weighted" (the mean over classes, weighted by
        `positives`), and "<it>/<class>".
    """
    counts = [np.asarray(part) for part in (true_positives, false_positives, positives)]
    together = precision_recall_f1(*(part.sum() for part in counts))
    each = precision_recall_f1(*counts)
    numbers = {}
    for key, micro, values in zip(KEYS, together, each):
        numbers[f"{key}_macro"] = mean_defined(values)
        numbers[f"{key}_micro"] = float(micro)
        numbers[f"{key}_weighted"] = _weighted(values, counts[2])
    for key, values in zip(KEYS, each):
        numbers.update((f"{key}/{name}", float(value)) for name, value in zip(names, values))
    return numbers


def _weighted(values: np.ndarray, weights: np.ndarray) -> float:
    """The weighted mean of what is not nan; the plain one if no weight is left."""
    defined = ~np.isnan(values)
    if not weights[defined].any():
        return mean_defined(values)
    return float(np.average(values[defined], weights=weights[defined]))


class F1Counts(Metric):
    """Base of the F1 metrics: true positives, false positives and positives of each class.

    Args:
        classes: the names in index order, or their number.

    Attributes:
        true_positives, false_positives, positives: (K,) int64.
    """

    primary = "F1_macro"
    additive = True

    def __init__(self, classes: Sequence[str] | int) -> None:
        self.classes = class_names(classes)
        self.reset()

    def reset(self) -> None:
        self.true_positives = np.zeros(len(self.classes), np.int64)
        self.false_positives = np.zeros(len(self.classes), np.int64)
        self.positives = np.zeros(len(self.classes), np.int64)

    def add(self, right: np.ndarray, found: np.ndarray, there: np.ndarray) -> None:
        """Take in (K,) counts of each class: found and there, found, there."""
        self.true_positives += right
        self.false_positives += found - right
        self.positives += there

    def compute(self) -> dict[str, float]:
        return f1_numbers(self.true_positives, self.false_positives, self.positives, self.classes)

    def merge(self, other: Self) -> None:
        self.true_positives += other.true_positives
        self.false_positives += other.false_positives
        self.positives += other.positives

    def state_dict(self) -> dict[str, Any]:
        return {
            "true_positives": self.true_positives.copy(),
            "false_positives": self.false_positives.copy(),
            "positives": self.positives.copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        keys = ("true_positives", "false_positives", "positives")
        counts = [np.array(entry(state, key, self.name), np.int64) for key in keys]
        expected = (len(self.classes),)
        if any(part.shape != expected for part in counts):
            raise CheckpointError(
                f"The stored counts of {self.name!r} are of other classes",
                expected=f"shape {expected}",
                received=", ".join(str(part.shape) for part in counts),
            )
        self.true_positives, self.false_positives, self.positives = counts


@metrics.register("f1_score")
class F1(F1Counts):
    """F1, precision and recall where each sample (or pixel) has one class.

    Predictions are scores (n, C) or (n, C, H, W), of which the highest wins (the lowest index
    among equals), or class indices (n,) or (n, H, W); targets are class indices (n,) or
    (n, H, W). A matrix of whole numbers with the shape of the targets is read as class indices, and
    targets may be one-hot rows (n, C) or (n, C, H, W); see `OneHot` for how they are told apart.

    "F1_macro" is judged by; see `f1_numbers` for all of them and for what is undefined. "micro"
    is the accuracy here, as a wrong sample is one false positive and one false negative. For
    samples that may have several labels there is "multilabel_f1".

    Args:
        classes: the names in index order, or their number.
        ignore_label: targets with this label count nowhere.
        one_hot: whether targets with the shape of the predictions are one-hot rows; None: the
            numbers tell.
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
        found = rows(predictions, "predictions", ids)
        truth = rows(targets, "targets", ids)
        same = found.shape == truth.shape
        scored = same and found.shape[1:2] == (classes,) and self._one_hot(found, truth, ids)
        if found.ndim == 1 or (same and not scored):
            labels = labels_of(truth, found.shape, ids)
            found = integers(found, "predictions", ids)
        else:
            labels = class_labels(found, truth, ids)
            found = _highest(found, classes, ids)
        mask = counted(labels, classes, self.ignore_label, ids)
        if mask is None:
            mask = np.ones(labels.shape, bool)
        wrong = mask & ((found < 0) | (found >= classes))
        if wrong.any():
            raise DataError(
                "A prediction is not a class index",
                expected=f"0 to {classes - 1}",
                received=int(found[wrong][0]),
                where=f"sample {ids[first_row(wrong)]!r}",
            )
        found, labels = found[mask], labels[mask]
        self.add(
            np.bincount(labels[found == labels], minlength=classes),
            np.bincount(found, minlength=classes),
            np.bincount(labels, minlength=classes),
        )


def _highest(scores: np.ndarray, classes: int, ids: Sequence[str]) -> np.ndarray:
    """The class with the highest score. Raises DataError for other classes, and for nan."""
    if scores.shape[1] != classes:
        raise DataError(
            "There is not one score for each class",
            expected=f"shape (n, {classes}, ...)",
            received=f"shape {scores.shape}",
        )
    bad = np.isnan(scores)
    if bad.any():
        raise DataError(
            "A score is nan",
            expected="a number for each class",
            where=f"sample {ids[first_row(bad)]!r}",
        )
    return scores.argmax(axis=1)
