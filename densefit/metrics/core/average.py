"""A metric that is one sum over one count."""

from __future__ import annotations

from typing import Any

from typing_extensions import Self

from densefit.metrics.core.metric import Metric
from densefit.metrics.core.state import entry


class Average(Metric):
    """Base of the metrics that are total / count over the whole dataset.

    A subclass's `update` calls `add`. The total is a Python float (double): float32 sums stop
    growing at 2**24. A subclass that keeps more than sums says `additive = False`.

    Attributes:
        total: sum over everything that counted.
        count: number of things that counted.
    """

    additive = True

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.total = 0.0
        self.count = 0

    def add(self, total: float, count: int) -> None:
        """Take in `count` things whose values sum to `total`."""
        self.total += float(total)
        self.count += int(count)

    def mean(self) -> float:
        """total / count; nan if nothing has counted yet."""
        return self.total / self.count if self.count else float("nan")

    def compute(self) -> dict[str, float]:
        return {self.primary: self.mean()}

    def merge(self, other: Self) -> None:
        self.add(other.total, other.count)

    def state_dict(self) -> dict[str, Any]:
        return {"total": self.total, "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.total = float(entry(state, "total", self.name))
        self.count = int(entry(state, "count", self.name))
