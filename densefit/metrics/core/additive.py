"""Metrics whose state is a few sums: reset, merge, save and load them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit.errors import CheckpointError
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.state import entry

Field = tuple[tuple[int, ...], type]
"""Shape and number type (int or float, in 64 bits) of a sum; a scalar has the shape ()."""


class AdditiveMetric(Metric):
    """Base of the metrics that keep sums only, each an attribute.

    A subclass adds to the attributes in `update`. Scalars are Python numbers, other sums arrays of
    int64 or float64: float32 sums stop growing at 2**24. A subclass that keeps more than sums says
    `additive = False`.

    Args:
        fields: name of the attribute -> its shape and type; `state_dict` has them in this order.
    """

    additive = True

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._fields = dict(fields)
        self.reset()

    def reset(self) -> None:
        for name, (shape, kind) in self._fields.items():
            setattr(self, name, np.zeros(shape, kind) if shape else kind())

    def merge(self, other: Self) -> None:
        for name in self._fields:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def state_dict(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self._fields}
        return {
            name: value.copy() if self._fields[name][0] else value for name, value in values.items()
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        loaded: dict[str, np.ndarray] = {
            name: np.array(entry(state, name, self.name), kind)
            for name, (_, kind) in self._fields.items()
        }
        expected = {name: shape for name, (shape, _) in self._fields.items()}
        received = {name: value.shape for name, value in loaded.items()}
        if received != expected:
            differing = [name for name in expected if received[name] != expected[name]]
            raise CheckpointError(
                f"The state of the metric {self.name!r} has other shapes",
                expected=", ".join(f"{name} {expected[name]}" for name in differing),
                received=", ".join(f"{name} {received[name]}" for name in differing),
                fix="make the metric with the settings (classes, bins) of the stored state",
            )
        for name, value in loaded.items():
            setattr(self, name, value if value.shape else value.item())
