"""Top-1 and top-k accuracy by an exact rank rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError, DataError
from densefit.metrics.core.arrays import counted, integers, labels_of, rows
from densefit.metrics.core.average import Average
from densefit.metrics.core.metric import metrics
from densefit.metrics.core.one_hot import OneHot, class_labels


def rank(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How many classes are placed before the true one.

    Classes are ordered by falling score; among equal scores the lower index comes first, as in
    argmax. A sample with a nan among its scores gets the last place.

    >>> rank(np.array([[0.1, 0.6, 0.3], [0.5, 0.5, 0.0]]), np.array([2, 1]))
    array([1, 1])

    Args:
        scores: (n, C, ...) scores.
        labels: (n, ...) integer class indices, 0 to C - 1.

    Returns:
        (n, ...) int64, 0 is the first place; C where a score is nan.
    """
    classes = scores.shape[1]
    column = np.arange(classes).reshape((1, -1) + (1,) * (scores.ndim - 2))
    true = labels[:, None].astype(np.int64)
    own = np.take_along_axis(scores, true, axis=1)
    before = (scores > own) | ((scores == own) & (column < true))
    place = before.sum(axis=1)
    bad = np.isnan(scores).any(axis=1)
    return np.where(bad, classes, place)


@metrics.register("accuracy")
class Accuracy(Average):
    """The share of predictions that are right.

    Predictions are scores (n, C) or (n, C, H, W), or class indices (n,) or (n, H, W); targets
    are class indices (n,) or (n, H, W). Among equal scores the lowest class index wins. Where
    any of the scores is nan, the prediction is wrong (argmax alone would answer with a class).
    A matrix of whole numbers with the shape of the targets is read as class indices, and targets
    may be one-hot rows (n, C) or (n, C, H, W); see `OneHot` for how they are told apart.

    Args:
        ignore_label: targets with this label count nowhere.
        one_hot: whether targets with the shape of the predictions are one-hot rows; None: the
            numbers tell.
    """

    name = "accuracy"
    primary = "accuracy"

    def __init__(self, ignore_label: int | None = None, one_hot: bool | None = None) -> None:
        self.ignore_label = ignore_label
        self._one_hot = OneHot(one_hot, self.name)
        super().__init__()

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        if not len(ids):
            return
        scores = rows(predictions, "predictions", ids)
        truth = rows(targets, "targets", ids)
        same = scores.shape == truth.shape
        if scores.ndim == 1 or (same and not self._one_hot(scores, truth, ids)):
            labels = labels_of(truth, scores.shape, ids)
            mask = counted(labels, None, self.ignore_label, ids)
            right = integers(scores, "predictions", ids) == labels
        else:
            labels = class_labels(scores, truth, ids)
            mask = counted(labels, scores.shape[1], self.ignore_label, ids)
            right = scores.argmax(axis=1) == labels
            bad = np.isnan(scores)
            if bad.any():
                right &= ~bad.any(axis=1)
        if mask is None:
            self.add(np.count_nonzero(right), labels.size)
        else:
            self.add(np.count_nonzero(right & mask), np.count_nonzero(mask))


@metrics.register("top_k")
class TopK(Average):
    """The share of samples whose true class is among the `k` highest scores.

    Exact: the true class is in if fewer than `k` classes have a higher score, or an equal one and
    a lower index; so `k=1` is `Accuracy`, and scores that are all equal do not give 100 %. A
    sample with nan scores is wrong. With `k` classes or fewer everything else is right.

    Args:
        k: how many of the best classes count.
        ignore_label: targets with this label count nowhere.
    """

    name = "top_k"

    def __init__(self, k: int = 5, ignore_label: int | None = None) -> None:
        if k < 1:
            raise ConfigError("top_k needs at least one place", expected="k >= 1", received=k)
        self.k = k
        self.ignore_label = ignore_label
        self.primary = f"top{k}"
        super().__init__()

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        if not len(ids):
            return
        scores = rows(predictions, "predictions", ids)
        if scores.ndim < 2:
            raise DataError(
                f"{self.primary} needs the scores of all classes",
                expected="predictions of shape (n, C)",
                received=f"shape {scores.shape}",
            )
        labels = class_labels(scores, targets, ids)
        mask = counted(labels, scores.shape[1], self.ignore_label, ids)
        if mask is not None:
            labels = np.where(mask, labels, 0)  # any class will do: it is not counted
        right = rank(scores, labels) < min(self.k, scores.shape[1])  # the last place is of nan
        if mask is None:
            self.add(np.count_nonzero(right), labels.size)
        else:
            self.add(np.count_nonzero(right & mask), np.count_nonzero(mask))
