"""Top-1 and top-k accuracy by an exact rank rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.core.arrays import counted
from densefit.metrics.core.average import Average
from densefit.metrics.core.class_scores import class_scores, scores_or_indices
from densefit.metrics.core.metric import metrics
from densefit.metrics.core.one_hot import OneHot


def rank(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Count the classes that rank before the true class.

    Classes are ordered by descending score; among equal scores the lower index comes first, as in
    argmax. A sample with a nan score ranks last.

    >>> rank(np.array([[0.1, 0.6, 0.3], [0.5, 0.5, 0.0]]), np.array([2, 1]))
    array([1, 1])

    Args:
        scores: (n, C, ...) scores.
        labels: (n, ...) integer class indices, 0 to C - 1.

    Returns:
        (n, ...) int64: 0 is the best rank; C where a score is nan.
    """
    classes = scores.shape[1]
    column = np.arange(classes).reshape((1, -1) + (1,) * (scores.ndim - 2))
    true = labels[:, None].astype(np.int64)
    true_score = np.take_along_axis(scores, true, axis=1)
    before = (scores > true_score) | ((scores == true_score) & (column < true))
    return np.where(np.isnan(scores).any(axis=1), classes, before.sum(axis=1))


@metrics.register("accuracy")
class Accuracy(Average):
    """Share of correct predictions.

    Predictions are scores (n, C) or (n, C, H, W), or class indices (n,) or (n, H, W); targets
    are class indices (n,) or (n, H, W). Among equal scores the lowest class index wins. A
    prediction with a nan score is wrong (argmax alone would give a class).
    A matrix of whole numbers with the shape of the targets is read as class indices, and targets
    may be one-hot rows (n, C) or (n, C, H, W); `OneHot` distinguishes them.

    Args:
        ignore_label: targets with this label count nowhere.
        one_hot: whether targets with the shape of the predictions are one-hot rows; None infers it
            from the numbers.
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
        values, labels, are_scores = scores_or_indices(predictions, targets, ids, self._one_hot)
        classes = values.shape[1] if are_scores else None
        mask = counted(labels, classes, self.ignore_label, ids)
        correct = (values.argmax(axis=1) if are_scores else values) == labels
        if are_scores:
            is_nan = np.isnan(values)
            if is_nan.any():
                correct &= ~is_nan.any(axis=1)
        self.add(*_hits(correct, mask))


@metrics.register("top_k")
class TopK(Average):
    """Share of samples whose true class is among the `k` highest scores.

    The true class is a hit if fewer than `k` classes have a higher score, or an equal score and a
    lower index; so `k=1` is `Accuracy`, and scores that are all equal do not give 100 %. A sample
    with a nan score is a miss. With `k` classes or fewer all other samples are hits.

    Args:
        k: number of highest scores that count as a hit.
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
        scores, labels, mask = class_scores(
            predictions, targets, ids, self.ignore_label, f"{self.primary} needs the scores"
        )
        if mask is not None:
            labels = np.where(mask, labels, 0)  # ignored below, so any class will do
        # nan scores have rank C, which is never below the limit
        self.add(*_hits(rank(scores, labels) < min(self.k, scores.shape[1]), mask))


def _hits(correct: np.ndarray, mask: np.ndarray | None) -> tuple[int, int]:
    """(number of correct predictions, number of predictions) where `mask` is true."""
    if mask is None:
        return int(np.count_nonzero(correct)), correct.size
    return int(np.count_nonzero(correct & mask)), int(np.count_nonzero(mask))
