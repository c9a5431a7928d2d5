"""Accuracy of MXNet's softmax layers for all their shapes of scores and labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.metrics.classification.accuracy import Accuracy
from densefit.metrics.core.arrays import rows
from densefit.metrics.core.metric import metrics


@metrics.register("softmax_accuracy")
class SoftmaxAccuracy(Accuracy):
    """`Accuracy` of scores as `SoftmaxOutput` and `SVMOutput` compare them with their labels.

    Predictions are scores (n, ..., C), or (n, C, ...) with `multi_output`; targets are a class
    index for each cell, in any shape (n, ...), or scores of the same shape, whose maximum is the
    true class.

    Args:
        ignore_label: targets with this label count nowhere.
        multi_output: whether the classes are on axis 1 rather than the last.
    """

    def __init__(self, ignore_label: int | None = None, multi_output: bool = False) -> None:
        self.multi_output = multi_output
        super().__init__(ignore_label)

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        if not len(ids):
            return
        scores: Any = rows(predictions, "predictions", ids)
        truth: Any = rows(targets, "targets", ids)
        if scores.ndim < 2:
            super().update(scores, truth, ids)
            return
        axis = 1 if self.multi_output else scores.ndim - 1
        if truth.shape == scores.shape and scores.shape[axis] > 1:
            truth = truth.argmax(axis=axis)
        cells: Any = np.moveaxis(scores, axis, -1).reshape(-1, scores.shape[axis])
        if truth.size != len(cells):
            raise DataError(
                "The labels are not as many as the cells that are classified",
                expected=f"{len(cells)} labels for scores {scores.shape}",
                received=f"{truth.size}, as {truth.shape}",
                where=f"samples {ids[0]} to {ids[-1]}",
            )
        keys = np.repeat(np.asarray(ids, object), len(cells) // len(ids))
        super().update(cells, truth.reshape(-1), list(keys))
