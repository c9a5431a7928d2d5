"""Metric of a plain function of label and prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from densefit.errors import DataError
from densefit.metrics.core.arrays import host
from densefit.metrics.core.average import Average


class FunctionMetric(Average):
    """The mean over samples of `function(label, prediction)`.

    The function is called for one sample at a time, with a leading axis of length one, so that a
    function written for MXNet's batches works, and its mean does not depend on the batch size.
    It returns a number, or (sum, count) as MXNet allows. A tuple of arrays is passed as a tuple of
    their rows; None stays None.

    Args:
        function: called as function(label, prediction).
        key: the name of the number; by default the name of the function.
        higher_is_better: whether a high value is good.
    """

    def __init__(
        self,
        function: Callable[[Any, Any], Any],
        key: str | None = None,
        higher_is_better: bool = True,
    ) -> None:
        title = getattr(function, "__name__", type(function).__name__)
        self.function = function
        self.name = self.primary = key or ("custom" if title == "<lambda>" else title)
        self.higher_is_better = higher_is_better
        super().__init__()

    def update(self, predictions: Any, targets: Any, ids: Sequence[str]) -> None:
        predicted = _read(predictions, "predictions", ids)
        labels = _read(targets, "targets", ids)
        for row, key in enumerate(ids):
            value = self.function(_sample(labels, row), _sample(predicted, row))
            total, count = value if isinstance(value, tuple) else (value, 1)
            try:
                self.add(total, count)
            except (TypeError, ValueError) as error:
                raise DataError(
                    f"The metric function {self.name!r} does not give a number",
                    expected="a float, or (sum, count)",
                    received=repr(value)[:200],
                    where=f"sample {key!r}",
                ) from error


def _read(values: Any, what: str, ids: Sequence[str]) -> Any:
    """Copy to host memory, and check that each sample has a row."""
    if isinstance(values, tuple):
        return tuple(_read(value, what, ids) for value in values)
    values = host(values)
    if values is not None and len(values) != len(ids):
        raise DataError(
            f"The {what} do not have one row for each sample",
            expected=f"{len(ids)} rows",
            received=f"{len(values)}",
        )
    return values


def _sample(values: Any, row: int) -> Any:
    """Take the sample `row` of an array or of each array of a tuple, with axis 0."""
    if isinstance(values, tuple):
        return tuple(_sample(value, row) for value in values)
    return values if values is None else values[row : row + 1]
