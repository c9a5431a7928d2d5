"""Losses as metrics: cross entropy of probabilities, and the mean of the network's own loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.metrics.core.arrays import first_row, rows
from densefit.metrics.core.average import Average
from densefit.metrics.core.class_scores import class_scores
from densefit.metrics.core.metric import metrics

TOLERANCE = 1e-3  # how far rounding may carry a probability of float16 beyond 0 or 1


@metrics.register("cross_entropy")
class CrossEntropy(Average):
    """Mean of -log(probability of the true class), in nats, over all elements that count.

    Predictions are probabilities (softmax output, not logits) of shape (n, C) or (n, C, H, W);
    targets are class indices (n,) or (n, H, W), or one-hot rows of the shape of the predictions.

    Args:
        ignore_label: targets with this label count nowhere.
        eps: smaller probabilities are raised to it, so that a single 0 does not make the mean
            infinite; MXNet's metric uses the same number.
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
        chances, labels, mask = class_scores(
            predictions, targets, ids, self.ignore_label, "Cross entropy needs the probabilities"
        )
        picked = labels if mask is None else np.where(mask, labels, 0)
        true = np.take_along_axis(chances, picked[:, None].astype(np.int64), axis=1)[:, 0]
        # All classes are checked: the true class's logit alone may lie between 0 and 1.
        if chances.size and (chances.min() < -TOLERANCE or chances.max() > 1 + TOLERANCE):
            wrong = (chances < -TOLERANCE) | (chances > 1 + TOLERANCE)
            raise DataError(
                "The predictions are not probabilities",
                expected="values from 0 to 1",
                received=float(chances[wrong][0]),
                where=f"sample {ids[first_row(wrong)]!r}",
                fix="apply softmax to the logits",
            )
        loss = -np.log(np.maximum(true.astype(np.float64), self.eps))
        if mask is not None:
            loss = loss[mask]
        self.add(loss.sum(), loss.size)


@metrics.register("mean")
class Mean(Average):
    """Mean over samples of an output of the network, such as its loss.

    Predictions are (n,) values, or (n, ...), averaged within each sample first. Targets are not
    used, and may be None.

    Args:
        key: the name of the value in `compute()`.
        higher_is_better: whether a high value is good.
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
