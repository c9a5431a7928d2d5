"""The training numbers as MXNet's callbacks read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from densefit.backend import mx
from densefit.errors import ConfigError


class MetricView(mx.metric.EvalMetric):  # type: ignore[misc]
    """What MXNet's callbacks get as `eval_metric`: names and values, and nothing to break.

    `mx.callback.Speedometer` resets the metric it logs; here that does nothing, so that the
    epoch's numbers stay those of the whole epoch.

    Args:
        read: gives the numbers of now, by name.
        name: what the view calls itself.
    """

    def __init__(self, read: Callable[[], dict[str, float]], name: str = "densefit") -> None:
        self.read = read
        super().__init__(name, has_global_stats=True)

    def reset(self) -> None:
        """Nothing: the numbers belong to the loop."""

    def reset_local(self) -> None:
        """Nothing: the numbers belong to the loop."""

    def update(self, labels: Any, preds: Any) -> None:
        """Raise ConfigError: a view takes nothing in."""
        raise ConfigError(
            "The eval_metric of a callback cannot be updated",
            fix="give the metric to the head or the route instead",
        )

    def get(self) -> tuple[list[str], list[float]]:
        """(names, values) of now."""
        values = self.read()
        return list(values), list(values.values())

    def get_global(self) -> tuple[list[str], list[float]]:
        """The same as `get`."""
        return self.get()
