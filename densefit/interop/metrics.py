"""Adapter of MXNet's metrics to densefit's `Metric`."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit import adapters
from densefit.backend import mx
from densefit.errors import CheckpointError, ConfigError, DensefitError
from densefit.interop.eval_metric import named, parts_of, reset
from densefit.metrics.core.arrays import rows
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.state import entry

# MXNet's metrics that densefit lacks, configured to compute one value over the dataset.
# (By default F1 and MCC are means over batches.)
_MXNET: dict[str, Callable[[], Any]] = {
    "f1": lambda: mx.metric.F1(average="micro"),
    "mcc": lambda: mx.metric.MCC(average="micro"),
    "pcc": lambda: mx.metric.PCC(),
    "perplexity": lambda: mx.metric.Perplexity(ignore_label=None),
}

_LOWER_IS_BETTER = (
    mx.metric.MAE,
    mx.metric.MSE,
    mx.metric.RMSE,
    mx.metric.CrossEntropy,
    mx.metric.NegativeLogLikelihood,
    mx.metric.Perplexity,
    mx.metric.Loss,
)

_COUNTERS = ("sum_metric", "num_inst", "global_sum_metric", "global_num_inst")


class LegacyMetric(Metric):
    """Adapter of an `mx.metric.EvalMetric` to the `Metric` interface.

    The metric receives predictions and targets as lists of NDArrays: one array each, or several
    if `update` gets a tuple of arrays (a network with several outputs or labels). The values are
    MXNet's, including its means of batch means.

    `merge` and `state_dict` work for metrics that keep only MXNet's sum and count, i.e. that do
    not override `reset`, and composites of such metrics. For others they raise ConfigError.

    Args:
        metric: the MXNet metric; nothing else may update or reset it.
        higher_is_better: direction of the metric. None: False for MXNet's losses and errors,
            otherwise the attribute of that name on `metric`, otherwise True.
        primary: name of the value that selects the best checkpoint; None: the metric's first.
    """

    additive = True
    _updated = False
    _names: tuple[str, ...] = ()  # learnt at an update

    def __init__(
        self, metric: Any, higher_is_better: bool | None = None, primary: str | None = None
    ) -> None:
        self.metric = metric
        self.name = str(metric.name)
        # `get` of many users' metrics fails before the first update, which then sets the names.
        stated_names = metric_names(metric)
        names = [self.name] if stated_names is None else stated_names
        unfit = primary is not None and stated_names is not None and primary not in stated_names
        if not names or len(set(names)) < len(names) or unfit:
            raise ConfigError(
                f"The names of the MXNet metric {self.name!r} do not fit",
                expected="at least one, each once"
                + (f", {primary!r} among them" if primary else ""),
                received=", ".join(names) or "none",
                fix="give each metric its own name=",
            )
        self.primary = primary or names[0]
        self.higher_is_better = (
            declared_direction(metric) if higher_is_better is None else higher_is_better
        )

    def reset(self) -> None:
        self._updated = False
        with named(self.metric, "reset"):
            reset(self.metric)

    def update(self, predictions: Any, targets: Any, ids: Sequence[str]) -> None:
        if not len(ids):
            return
        labels = _ndarrays(targets, "targets", ids)
        outputs = _ndarrays(predictions, "predictions", ids)
        self._updated = True
        with named(self.metric, "update"):
            self.metric.update(labels, outputs)

    def compute(self) -> dict[str, float]:
        return dict(self.pairs())

    def pairs(self) -> list[tuple[str, float]]:
        """Return the metric's (name, value) pairs; nan before the first update.

        Raises:
            DataError: the metric fails, or returns values that are not numbers.
        """
        metric = self.metric
        unknown = [(name, float("nan")) for name in self._names or [self.name]]
        # PearsonCorrelation never fills its global sum when it accumulates over all batches.
        over_all = isinstance(metric, mx.metric.PearsonCorrelation)
        try:
            with named(metric, "get"):
                named_values = (
                    metric.get_name_value() if over_all else metric.get_global_name_value()
                )
                pairs = [
                    (str(name), _number(value))
                    for names, values in named_values
                    for name, value in _each(names, values)
                ]
        except DensefitError as error:
            if self._updated and not isinstance(error.__cause__, ZeroDivisionError):
                raise
            return unknown
        if self._updated:
            self._names = tuple(name for name, _ in pairs)
            if self._names and self.primary not in self._names and self.primary == self.name:
                self.primary = self._names[0]
        return pairs

    def merge(self, other: Self) -> None:
        for mine, theirs in zip(self._counted_parts(), other._counted_parts()):
            for counter in _COUNTERS:
                setattr(mine, counter, getattr(mine, counter) + getattr(theirs, counter))

    def state_dict(self) -> dict[str, Any]:
        return {
            "parts": [
                {counter: float(getattr(part, counter)) for counter in _COUNTERS}
                for part in self._counted_parts()
            ]
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        parts, stored = self._counted_parts(), entry(state, "parts", self.name)
        if len(parts) != len(stored):
            raise CheckpointError(
                f"The state is not one of the MXNet metric {self.name!r}",
                expected=f"{len(parts)} parts",
                received=f"{len(stored)}",
            )
        for part, counters in zip(parts, stored):
            for counter in _COUNTERS:
                setattr(part, counter, float(entry(counters, counter, self.name)))
        self._updated = True

    def _counted_parts(self) -> list[Any]:
        """Return the parts; raises ConfigError unless each keeps only a sum and a count."""
        parts = parts_of(self.metric)
        for part in parts:
            numeric = all(isinstance(getattr(part, key, None), numbers.Real) for key in _COUNTERS)
            if type(part).reset is not mx.metric.EvalMetric.reset or not numeric:
                raise ConfigError(
                    f"The state of the MXNet metric {part.name!r} cannot be read",
                    expected="a metric that keeps only sum_metric and num_inst",
                    received=f"{type(part).__name__}, which keeps more (it overrides reset)",
                    fix="write it as a densefit Metric to merge it or to resume with it",
                )
        return parts


def metric_names(metric: Any) -> list[str] | None:
    """Return the names of a metric's values; None if they are unknown before an update."""
    try:
        names = [str(name) for name, _ in metric.get_name_value()]
    except Exception:  # a division by its count of zero, a sum that is not there yet...
        return None
    return names if names or isinstance(metric, mx.metric.CompositeEvalMetric) else None


def declared_direction(metric: Any) -> bool:
    """Return whether higher is better for a metric, or for the first child of a composite."""
    first = next(iter(parts_of(metric)), metric)
    return bool(getattr(first, "higher_is_better", not isinstance(first, _LOWER_IS_BETTER)))


def _each(names: Any, values: Any) -> Iterable[tuple[Any, Any]]:
    """Pair names and values; old metrics return tuples, which MXNet takes for one pair."""
    return zip(names, values) if isinstance(names, tuple) else [(names, values)]


def _number(value: Any) -> float:
    return float(value.asscalar() if isinstance(value, mx.nd.NDArray) else value)


def _ndarrays(values: Any, what: str, ids: Sequence[str]) -> list[Any]:
    if values is None:  # mx.metric.Loss needs no labels
        return []
    arrays = [
        rows(array, what, ids) for array in (values if isinstance(values, tuple) else (values,))
    ]
    # Explicit context and dtype: MXNet would convert everything to float32.
    return [
        mx.nd.array(array, ctx=mx.cpu(), dtype=np.uint8 if array.dtype == np.bool_ else array.dtype)
        for array in arrays
    ]


@adapters.metrics.register(lambda metric: isinstance(metric, mx.metric.EvalMetric))
def _of_metric(metric: Any) -> Metric:
    return LegacyMetric(metric)


@adapters.metrics.register(
    lambda metric: isinstance(metric, type) and issubclass(metric, mx.metric.EvalMetric)
)
def _of_class(kind: Any) -> Metric:
    return LegacyMetric(kind())


@adapters.metrics.register(
    lambda metric: isinstance(metric, str) and metric.lower() in _MXNET, names=_MXNET
)
def _of_name(name: str) -> Metric:
    return LegacyMetric(_MXNET[name.lower()]())
