"""Losses as numbers to watch: cross entropy of probabilities, and the mean of given values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.metrics.core.arrays import counted, first_row, rows
from densefit.metrics.core.average import Average
from densefit.metrics.core.metric import metrics
from densefit.metrics.core.one_hot import class_labels

TOLERANCE = 1e-3  # how far rounding may carry a probability of float16 beyond 0 or 1


@metrics.register("cross_entropy")
class CrossEntropy(Average):
    """Mean of -log(probability of the true class), in nats, over all elements that count.

    Predictions are probabilities (softmax output, not logits) of shape (n, C) or (n, C, H, W);
    targets are class indices (n,) or (n, H, W), or one-hot rows of the shape of the predictions.

    Args:
        ignore_label: targets with this label count nowhere.
        eps: smaller probabilities are read as this one, so that a single 0 does not make the
            mean infinite; MXNet's own metric uses the same number.
    """

    name = "cross_entropy"
    primary = "cross_entropy"
    higher_is_better = False

    def __init__(self, ignore_label: int | None = None, eps: float = 1e-12) -> None:
        self.ignore_label = ignore_label
        self.eps = eps
        super().__init__()

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        if not len(ids):
            return
        given = rows(predictions, "predictions", ids)
        if given.ndim < 2:
            raise DataError(
                "Cross entropy needs the probabilities of all classes",
                expected="predictions of shape (n, C)",
                received=f"shape {given.shape}",
            )
        labels = class_labels(given, targets, ids)
        mask = counted(labels, given.shape[1], self.ignore_label, ids)
        picked = labels if mask is None else np.where(mask, labels, 0)
        true = np.take_along_axis(given, picked[:, None].astype(np.int64), axis=1)[:, 0]
        # All classes: the true one's logit alone may well lie between 0 and 1.
        if given.size and (given.min() < -TOLERANCE or given.max() > 1 + TOLERANCE):
            wrong = (given < -TOLERANCE) | (given > 1 + TOLERANCE)
            raise DataError(
                "The predictions are not probabilities",
                expected="values from 0 to 1",
                received=float(given[wrong][0]),
                where=f"sample {ids[first_row(wrong)]!r}",
                fix="apply softmax to the logits",
            )
        loss = -np.log(np.maximum(true.astype(np.float64), self.eps))
        if mask is not None:
            loss = loss[mask]
        self.add(loss.sum(), loss.size)


@metrics.register("mean")
class Mean(Average):
    """Mean over samples of a value that the network puts out for each one, such as its loss.

    Predictions are (n,) values, or (n, ...), which is first averaged within each sample. The
    targets are not looked at, and may be None.

    Args:
        key: the name of the value in `compute()`.
        higher_is_better: what a good value is.
    """

    name = "mean"

    def __init__(self, key: str = "mean", higher_is_better: bool = False) -> None:
        self.primary = key
        self.higher_is_better = higher_is_better
        super().__init__()

    def update(self, predictions: Sequence[Any], targets: Any, ids: Sequence[str]) -> None:
        if not len(ids):
            return
        values = rows(predictions, "predictions", ids).astype(np.float64).reshape(len(ids), -1)
        self.add(values.mean(axis=1).sum(), len(ids))
