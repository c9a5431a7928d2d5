"""Make a metric of a name, an object or a function."""

from __future__ import annotations

import inspect
from typing import Any

from densefit import adapters
from densefit.errors import ConfigError
from densefit.metrics.classification.loss import Mean
from densefit.metrics.core.function import FunctionMetric
from densefit.metrics.core.metric import Metric, metrics
from densefit.registry import nearest

# MXNet's names of metrics that densefit has. These weight every sample equally.
_ALIASES = {
    "acc": "accuracy",
    "top_k_accuracy": "top_k",
    "top_k_acc": "top_k",
    "topkaccuracy": "top_k",
    "ce": "cross_entropy",
    "crossentropy": "cross_entropy",
    "cross-entropy": "cross_entropy",
    "nll_loss": "cross_entropy",
    "negativeloglikelihood": "cross_entropy",
}


def as_metric(metric: Any) -> Metric:
    """Convert a name, an object or a function to a metric.

    Args:
        metric: a `Metric`; a name in the registry or one of MXNet's names; an MXNet metric; or a
            function of (label, prediction), see `FunctionMetric`.

    Returns:
        The metric; densefit's takes precedence over MXNet's of the same name, as several of MXNet's
        metrics are means of batch means.

    Raises:
        ConfigError: the name is unknown, its metric needs settings, or the object is no metric.
    """
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        return _by_name(metric)
    adapted = adapters.metrics.adapt(metric)
    if adapted is not None:
        return adapted
    if isinstance(metric, type) and issubclass(metric, Metric):
        return metric()
    if callable(metric):
        return FunctionMetric(metric)
    raise ConfigError(
        "This is not a metric",
        expected="a name, a Metric, an mx.metric.EvalMetric or a function (label, prediction)",
        received=repr(metric)[:200],
    )


def _without_settings(name: str) -> Metric:
    """Make the registered metric without settings."""
    factory = metrics.get(name)
    needed = [
        parameter.name
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        settings = ", ".join(f"{parameter}=..." for parameter in needed)
        raise ConfigError(
            f"The metric {name!r} needs settings, which its name alone does not give",
            expected=", ".join(needed),
            received=repr(name),
            fix=f"give the object: {factory.__name__}({settings})",
        )
    return factory()


def _by_name(name: str) -> Metric:
    names = metrics.names()
    if name in names:
        return _without_settings(name)
    lower = name.lower()  # MXNet ignores the case
    if lower == "loss":
        return Mean(key="loss")
    registered = [metric for metric in names if metric.lower() == lower]
    if lower in _ALIASES or len(registered) == 1:
        return _without_settings(_ALIASES.get(lower) or registered[0])
    adapted = adapters.metrics.adapt(name)
    if adapted is not None:
        return adapted
    choices = {*names, *_ALIASES, *adapters.metrics.names(), "loss"}
    raise ConfigError(f"Unknown metric {name!r}", fix=nearest(name, choices))
