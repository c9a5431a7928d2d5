"""Regression errors: mean absolute, mean squared, root mean squared."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.metrics.core.arrays import rows
from densefit.metrics.core.average import Average
from densefit.metrics.core.metric import metrics


class Regression(Average):
    """Base of the error metrics: every number of every sample has the same weight.

    Predictions and targets have the same shape; (n,) and (n, 1) are equivalent. Samples may
    differ in size (depth maps) if both arguments are lists.
    """

    higher_is_better = False

    @abstractmethod
    def error(self, difference: np.ndarray) -> np.ndarray:
        """Error of each (n, ...) float64 difference; same shape."""

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        if not len(ids):
            return
        if _sizes_differ(predictions) and len(predictions) == len(targets) == len(ids):
            for prediction, target, key in zip(predictions, targets, ids):
                self.update([prediction], [target], [key])
            return
        predicted = _column_dropped(rows(predictions, "predictions", ids))
        truth = _column_dropped(rows(targets, "targets", ids))
        if predicted.shape != truth.shape:
            raise DataError(
                f"{self.name}: predictions and targets differ in shape",
                expected=f"targets of shape {predicted.shape}",
                received=f"shape {truth.shape}",
                where=f"samples {ids[0]!r} to {ids[-1]!r}",
            )
        difference = predicted.astype(np.float64) - truth.astype(np.float64)
        self.add(self.error(difference).sum(), difference.size)


def _sizes_differ(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and len({np.shape(value) for value in values}) > 1


def _column_dropped(array: np.ndarray) -> np.ndarray:
    """Reshape (n, 1) to (n,): the difference would otherwise broadcast to (n, n)."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


@metrics.register("mae")
class MAE(Regression):
    """Mean absolute error."""

    name = "mae"
    primary = "mae"

    def error(self, difference: np.ndarray) -> np.ndarray:
        return np.abs(difference)


@metrics.register("mse")
class MSE(Regression):
    """Mean squared error."""

    name = "mse"
    primary = "mse"

    def error(self, difference: np.ndarray) -> np.ndarray:
        return np.square(difference)


@metrics.register("rmse")
class RMSE(MSE):
    """Root of the mean squared error over the dataset, not a mean over batches."""

    name = "rmse"
    primary = "rmse"

    def compute(self) -> dict[str, float]:
        return {self.primary: math.sqrt(self.mean())}
