"""Read-only view of the training metrics for MXNet's callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from densefit.backend import mx
from densefit.errors import ConfigError


class MetricView(mx.metric.EvalMetric):  # type: ignore[misc]
    """Read-only `eval_metric` of MXNet's callbacks: names and values.

    `mx.callback.Speedometer` resets the metric it logs; the view ignores that, so the metrics
    cover the whole epoch.

    Args:
        read: returns the present metric values by name.
        name: name of the view.
    """

    def __init__(self, read: Callable[[], dict[str, float]], name: str = "densefit") -> None:
        self.read = read
        super().__init__(name, has_global_stats=True)

    def reset(self) -> None:
        """Do nothing: the training loop resets the metrics."""

    def reset_local(self) -> None:
        """Do nothing: the training loop resets the metrics."""

    def update(self, labels: Any, preds: Any) -> None:
        """Raise ConfigError: a view cannot be updated."""
        raise ConfigError(
            "The eval_metric of a callback cannot be updated",
            fix="give the metric to the head or the route instead",
        )

    def get(self) -> tuple[list[str], list[float]]:
        """Return the present (names, values)."""
        values = self.read()
        return list(values), list(values.values())

    def get_global(self) -> tuple[list[str], list[float]]:
        """Return the present (names, values), like `get`."""
        return self.get()
