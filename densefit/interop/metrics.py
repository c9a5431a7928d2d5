"""MXNet's own metrics behind densefit's interface."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, Callable

import numpy as np
from typing_extensions import Self

from densefit import adapters
from densefit.backend import mx
from densefit.errors import CheckpointError, ConfigError
from densefit.interop.eval_metric import parts_of
from densefit.metrics.arrays import rows
from densefit.metrics.metric import Metric
from densefit.metrics.state import entry

# MXNet's metrics that we do not have, set so that they too are one number over the dataset.
# (By default F1 and MCC are means of batches' values.)
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
    """An `mx.metric.EvalMetric` behind our interface.

    Predictions and targets are given to it as lists of NDArray: one array each, or several where
    `update` gets a tuple of arrays (a network with several outputs or labels). The numbers are
    MXNet's, with its means of batch means where it takes them.

    `merge` and `state_dict` work for metrics that keep nothing but MXNet's sum and count: those
    that do not override `reset`, and composites of them. For others they raise ConfigError.

    Args:
        metric: the MXNet metric; it must not be updated or reset by anybody else.
        higher_is_better: what a good value is. None: False for MXNet's own losses and errors,
            otherwise the attribute of that name on `metric`, otherwise True.
        primary: the name that "the best" is judged by; None: the metric's first.
    """

    additive = True

    def __init__(
        self, metric: Any, higher_is_better: bool | None = None, primary: str | None = None
    ) -> None:
        self.metric = metric
        self.name = str(metric.name)
        try:
            names = [str(name) for name, _ in metric.get_name_value()]
        except ZeroDivisionError:  # many a user's metric divides by its count unasked
            names = [self.name]
        if not names or len(set(names)) < len(names) or (primary and primary not in names):
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
        # A composite's own reset stops at the first child that raises AttributeError, silently.
        for part in parts_of(self.metric):
            part.reset()

    def update(self, predictions: Any, targets: Any, ids: Sequence[str]) -> None:
        if len(ids):
            self.metric.update(
                _ndarrays(targets, "targets", ids), _ndarrays(predictions, "predictions", ids)
            )

    def compute(self) -> dict[str, float]:
        metric = self.metric
        try:
            # PearsonCorrelation never fills its global sum when it works over all batches.
            if isinstance(metric, mx.metric.PearsonCorrelation):
                pairs = metric.get_name_value()
            else:
                pairs = metric.get_global_name_value()
        except ZeroDivisionError:
            return {self.primary: float("nan")}
        return {str(name): float(value) for name, value in pairs}

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

    def _counted_parts(self) -> list[Any]:
        """The metrics inside, if each is only a sum and a count. Raises ConfigError otherwise."""
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


def declared_direction(metric: Any) -> bool:
    first = next(iter(parts_of(metric)), metric)
    return bool(getattr(first, "higher_is_better", not isinstance(first, _LOWER_IS_BETTER)))


def _ndarrays(values: Any, what: str, ids: Sequence[str]) -> list[Any]:
    if values is None:  # mx.metric.Loss needs no labels
        return []
    arrays = [rows(one, what, ids) for one in (values if isinstance(values, tuple) else (values,))]
    # The context and the dtype are said: MXNet would make float32 of everything.
    return [
        mx.nd.array(one, ctx=mx.cpu(), dtype=np.uint8 if one.dtype == np.bool_ else one.dtype)
        for one in arrays
    ]


@adapters.metrics.register(lambda thing: isinstance(thing, mx.metric.EvalMetric))
def _of_metric(metric: Any) -> Metric:
    return LegacyMetric(metric)


@adapters.metrics.register(
    lambda thing: isinstance(thing, type) and issubclass(thing, mx.metric.EvalMetric)
)
def _of_class(kind: Any) -> Metric:
    return LegacyMetric(kind())


@adapters.metrics.register(
    lambda thing: isinstance(thing, str) and thing.lower() in _MXNET, names=_MXNET
)
def _of_name(name: str) -> Metric:
    return LegacyMetric(_MXNET[name.lower()]())
