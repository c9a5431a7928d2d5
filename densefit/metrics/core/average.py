"""Base of the metrics that are a mean."""

from __future__ import annotations

from densefit.metrics.core.additive import AdditiveMetric


class Average(AdditiveMetric):
    """Base of the metrics that are total / count over the whole dataset.

    A subclass's `update` calls `add`.

    Attributes:
        total: sum of the values.
        count: number of values.
    """

    total: float
    count: int

    def __init__(self) -> None:
        super().__init__({"total": ((), float), "count": ((), int)})

    def add(self, total: float, count: int) -> None:
        """Add `count` values whose sum is `total`."""
        self.total += float(total)
        self.count += int(count)

    def mean(self) -> float:
        """total / count; nan without values."""
        return self.total / self.count if self.count else float("nan")

    def compute(self) -> dict[str, float]:
        return {self.primary: self.mean()}
