"""A metric that also remembers what each sample alone would have scored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics.core.arrays import host
from densefit.metrics.core.detail import Detail
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.sparse_state import SparseState, restored
from densefit.metrics.core.state import entry


class PerSample(Metric):
    """A metric around another one, whose numbers it gives, that also scores each sample alone.

    A sample is a row, or several rows in succession that are given under one id in one `update`
    (a network may put out several rows for a sample).

    Args:
        metric: the one to wrap; it keeps what it has seen, but only samples that come from now on
            are scored alone.
        keep_states: keep each sample's own metric, which `confidence_intervals` needs for metrics
            that keep only sums. (Those that keep all samples themselves can do without, and
            nothing more is kept.) Costs one state a sample; of metrics that are `additive` only
            the numbers that are not 0.

    Attributes:
        metric: the wrapped one.
        values: sample id -> the number that `primary` has for this sample alone; nan if undefined.
        samples: sample id -> the metric that has seen this sample only, if they are kept; of one
            that is `additive` its state.

    Example:
        >>> import numpy as np
        >>> from densefit.metrics import MAE
        >>> metric = PerSample(MAE())
        >>> metric.update(np.array([1.0, 2.0, 3.0]), np.array([1.0, 5.0, 4.0]), ["a", "b", "c"])
        >>> metric.worst(2)
        [('b', 3.0), ('c', 1.0)]
    """

    def __init__(self, metric: Metric, keep_states: bool = False) -> None:
        self.metric = metric
        self.name = metric.name
        self.primary = metric.primary
        self.higher_is_better, self.opposite = metric.higher_is_better, metric.opposite
        self.keep_states = keep_states
        self._blank = metric.fresh()
        self._kept = keep_states and self._blank.resampled({}) is None
        self._forget()

    def _forget(self) -> None:
        self.values: dict[str, float] = {}
        self.samples: dict[str, Metric | SparseState] = {}

    def settings(self) -> dict[str, Any]:
        """The wrapped metric's; whether states are kept has a check of its own."""
        return {"name": self.name, "metric": self.metric.settings()}

    def reset(self) -> None:
        self.metric.reset()
        self._forget()

    def update(self, predictions: Any, targets: Any, ids: Sequence[str]) -> None:
        """As the wrapped metric's; a tuple of arrays has a row for each sample in each of them.

        Raises:
            DataError: a sample came before, or what the wrapped metric raises.
        """
        parts = list(_runs(ids))
        self._check_new(key for key, _, _ in parts)
        predictions, targets = _host(predictions), _host(targets)
        self.metric.update(predictions, targets, ids)
        for key, start, stop in parts:
            one = self._blank
            if self._kept and not one.additive:
                one = one.fresh()
            one.reset()
            one.update(
                _rows(predictions, start, stop), _rows(targets, start, stop), ids[start:stop]
            )
            self.values[key] = float(one.compute()[self.primary])
            if self._kept:
                self.samples[key] = self._alone(one)
        self._blank.reset()

    def _alone(self, metric: Metric) -> Metric | SparseState:
        """What is kept of the metric that has seen one sample."""
        return SparseState(metric.state_dict()) if metric.additive else metric

    def compute(self) -> dict[str, float]:
        return self.metric.compute()

    def details(self) -> dict[str, Detail]:
        return self.metric.details()

    def resampled(self, counts: Mapping[str, int]) -> dict[str, float] | None:
        return self.metric.resampled(counts)

    def worst(self, count: int) -> list[tuple[str, float]]:
        """The (id, number) of the `count` worst samples, the worst first, equal ones by id.

        Samples whose number is undefined are left out.
        """
        sign = 1.0 if self.higher_is_better else -1.0
        defined = [item for item in self.values.items() if not math.isnan(item[1])]
        return sorted(defined, key=lambda item: (sign * item[1], item[0]))[:count]

    def merge(self, other: Self) -> None:
        if self._kept != other._kept:
            raise ConfigError(
                f"Two metrics {self.name!r} of which one keeps each sample's own cannot be merged",
                expected=f"keep_states={self.keep_states}",
                received=f"keep_states={other.keep_states}",
            )
        self._check_new(other.values)
        self.metric.merge(other.metric)
        self.values.update(other.values)
        self.samples.update(other.samples)  # shared, because nobody changes them any more

    def state_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric.state_dict(),
            "ids": list(self.values),
            "values": np.array(list(self.values.values()), np.float64),
            "samples": [self._state_of(key) for key in self.values if self._kept],
        }

    def _state_of(self, key: str) -> dict[str, Any]:
        one = self.samples[key]
        if isinstance(one, SparseState):
            return restored(self._blank.state_dict(), one.vector())
        return one.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        inner = entry(state, "metric", self.name)
        ids = [str(key) for key in entry(state, "ids", self.name)]
        values = np.array(entry(state, "values", self.name), np.float64).ravel().tolist()
        stored = entry(state, "samples", self.name)
        if len(values) != len(ids) or (self._kept and len(stored) != len(ids)):
            raise CheckpointError(
                f"The state of {self.name!r} does not have everything for each sample",
                expected=f"{len(ids)} values" + (" and states" if self._kept else ""),
                received=f"{len(values)} values, {len(stored)} states",
                fix="continue with the keep_states that the state was written with",
            )
        samples: dict[str, Metric | SparseState] = {}
        for key, one in zip(ids, stored if self._kept else ()):
            alone = self._blank.fresh()
            alone.load_state_dict(one)
            samples[key] = self._alone(alone)
        self.metric.load_state_dict(inner)
        self.values, self.samples = dict(zip(ids, values)), samples

    def fresh(self) -> Self:
        return type(self)(self.metric.fresh(), self.keep_states)

    def _check_new(self, ids: Iterable[str]) -> None:
        seen = set(self.values)
        for key in ids:
            if key in seen:
                raise DataError(
                    f"The sample {key!r} came twice",
                    expected="every sample once, its rows together",
                    where=f"metric {self.name!r}",
                    fix="ids must be unique, and no sampler may repeat one",
                )
            seen.add(key)


def _runs(ids: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """(id, start, stop) of the rows of each sample.

    >>> list(_runs(["a", "a", "b"]))
    [('a', 0, 2), ('b', 2, 3)]
    """
    start = 0
    for stop in range(1, len(ids) + 1):
        if stop == len(ids) or ids[stop] != ids[start]:
            yield str(ids[start]), start, stop
            start = stop


def _host(values: Any) -> Any:
    """`values` in host memory, each of them if they are several (a tuple)."""
    return tuple(_host(value) for value in values) if isinstance(values, tuple) else host(values)


def _rows(values: Any, start: int, stop: int) -> Any:
    """Some rows of `values`; of each of them if they are several; None stays None."""
    if isinstance(values, tuple):
        return tuple(_rows(value, start, stop) for value in values)
    return values if values is None else values[start:stop]
