"""Registered metrics as JSON: name and settings, from which an exported model makes them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.metrics.conversion import as_metric
from densefit.metrics.core.metric import Metric, metrics
from densefit.metrics.core.state import arguments


def spec_of(metric: Any) -> str | dict[str, Any] | None:
    """Name, or name and settings, of a route's metric; None if these do not make it again.

    >>> spec_of(metrics.create("top_k", k=2))
    {'name': 'top_k', 'settings': {'k': 2, 'ignore_label': None}}

    Args:
        metric: a name, or anything else that `as_metric` takes.
    """
    if isinstance(metric, str):
        return metric
    try:
        metric = as_metric(metric)
        name = next(name for name in metrics.names() if metrics.get(name) is type(metric))
        spec = {"name": name, "settings": dict(metric._arguments)}
        again = metric_of(spec)
    except Exception:  # not registered, or settings that are no JSON, such as functions, are needed
        return None
    return spec if again.settings() == metric.settings() and _is_whole(metric) else None


def _is_whole(metric: Metric) -> bool:
    """Whether all arguments of the metric's constructor are JSON, so that none is left out."""
    return set(arguments(type(metric), (), {})) <= set(metric._arguments)


def metric_of(spec: Mapping[str, Any]) -> Metric:
    """The metric of a name and settings, see `spec_of`."""
    return metrics.create(spec["name"], **spec["settings"])
