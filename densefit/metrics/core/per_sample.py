"""Metric wrapper that also scores each sample alone."""

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
    """Wrapper that gives the numbers of another metric, and also scores each sample alone.

    A sample is a row, or consecutive rows with the same id in one `update` (a network may output
    several rows for a sample).

    Args:
        metric: the metric to wrap; it keeps its state, but only samples that come from now on are
            scored alone.
        keep_states: keep the state of each sample, which `confidence_intervals` needs for metrics
            of sums. (Metrics that store all samples need no states.) Costs one
            state for each sample; for `additive` metrics only their nonzero numbers.

    Attributes:
        metric: the wrapped metric.
        values: sample id -> the `primary` number of this sample alone; nan if undefined.
        samples: sample id -> a metric that has seen this sample only, or the state of an `additive`
            metric; empty without states.

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
        self._keeps_states = keep_states and self._blank.resampled({}) is None
        self._forget()

    def _forget(self) -> None:
        self.values: dict[str, float] = {}
        self.samples: dict[str, Metric | SparseState] = {}

    def settings(self) -> dict[str, Any]:
        """Return the wrapped metric's settings; `merge` also compares `keep_states`."""
        return {"name": self.name, "metric": self.metric.settings()}

    def reset(self) -> None:
        self.metric.reset()
        self._forget()

    def update(self, predictions: Any, targets: Any, ids: Sequence[str]) -> None:
        """Update the wrapped metric; each array of a tuple has a row for each sample.

        Raises:
            DataError: a sample came before; and errors of the wrapped metric.
        """
        parts = list(_runs(ids))
        self._check_new(key for key, _, _ in parts)
        predictions, targets = _host(predictions), _host(targets)
        self.metric.update(predictions, targets, ids)
        for key, start, stop in parts:
            metric = self._blank
            if self._keeps_states and not metric.additive:
                metric = metric.fresh()
            metric.reset()
            metric.update(
                _rows(predictions, start, stop), _rows(targets, start, stop), ids[start:stop]
            )
            self.values[key] = float(metric.compute()[self.primary])
            if self._keeps_states:
                self.samples[key] = self._stored(metric)
        self._blank.reset()

    def _stored(self, metric: Metric) -> Metric | SparseState:
        """Return what is stored of a metric that has seen one sample."""
        return SparseState(metric.state_dict()) if metric.additive else metric

    def compute(self) -> dict[str, float]:
        return self.metric.compute()

    def details(self) -> dict[str, Detail]:
        return self.metric.details()

    def resampled(self, counts: Mapping[str, int]) -> dict[str, float] | None:
        return self.metric.resampled(counts)

    def worst(self, count: int) -> list[tuple[str, float]]:
        """Return (id, number) of the `count` worst samples, the worst first, ties by id.

        Samples with an undefined number are left out.
        """
        sign = 1.0 if self.higher_is_better else -1.0
        defined = [item for item in self.values.items() if not math.isnan(item[1])]
        return sorted(defined, key=lambda item: (sign * item[1], item[0]))[:count]

    def merge(self, other: Self) -> None:
        if self._keeps_states != other._keeps_states:
            raise ConfigError(
                f"Two metrics {self.name!r} of which one keeps each sample's own cannot be merged",
                expected=f"keep_states={self.keep_states}",
                received=f"keep_states={other.keep_states}",
            )
        self._check_new(other.values)
        self.metric.merge(other.metric)
        self.values.update(other.values)
        self.samples.update(other.samples)  # shared, as they never change

    def state_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric.state_dict(),
            "ids": list(self.values),
            "values": np.array(list(self.values.values()), np.float64),
            "samples": [self._state_of(key) for key in self.values if self._keeps_states],
        }

    def _state_of(self, key: str) -> dict[str, Any]:
        sample = self.samples[key]
        if isinstance(sample, SparseState):
            return restored(self._blank.state_dict(), sample.vector())
        return sample.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        inner = entry(state, "metric", self.name)
        ids = [str(key) for key in entry(state, "ids", self.name)]
        values = np.array(entry(state, "values", self.name), np.float64).ravel().tolist()
        stored = entry(state, "samples", self.name)
        if len(values) != len(ids) or (self._keeps_states and len(stored) != len(ids)):
            raise CheckpointError(
                f"The state of {self.name!r} does not have everything for each sample",
                expected=f"{len(ids)} values" + (" and states" if self._keeps_states else ""),
                received=f"{len(values)} values, {len(stored)} states",
                fix="continue with the keep_states that the state was written with",
            )
        samples: dict[str, Metric | SparseState] = {}
        for key, sample_state in zip(ids, stored if self._keeps_states else ()):
            alone = self._blank.fresh()
            alone.load_state_dict(sample_state)
            samples[key] = self._stored(alone)
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
    """Iterate over (id, start, stop) of the rows of each sample.

    >>> list(_runs(["a", "a", "b"]))
    [('a', 0, 2), ('b', 2, 3)]
    """
    start = 0
    for stop in range(1, len(ids) + 1):
        if stop == len(ids) or ids[stop] != ids[start]:
            yield str(ids[start]), start, stop
            start = stop


def _host(values: Any) -> Any:
    """Copy to host memory, each array of a tuple."""
    return tuple(_host(value) for value in values) if isinstance(values, tuple) else host(values)


def _rows(values: Any, start: int, stop: int) -> Any:
    """Slice rows of an array or of each array of a tuple; None stays None."""
    if isinstance(values, tuple):
        return tuple(_rows(value, start, stop) for value in values)
    return values if values is None else values[start:stop]
