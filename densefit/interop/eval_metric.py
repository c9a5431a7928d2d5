"""Creation, copies and resets of Module.fit's `eval_metric`."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from densefit.backend import mx
from densefit.errors import ConfigError, DataError, DensefitError
from densefit.registry import nearest

_log = logging.getLogger("densefit")


def created(metric: Any) -> Any:
    """Create an mx EvalMetric like `mx.metric.create`, from a name, a list or a function.

    A metric object is returned itself. A metric class is called without arguments.

    Raises:
        ConfigError: MXNet cannot create a metric from the value.
    """
    if isinstance(metric, mx.metric.EvalMetric):
        return metric
    if isinstance(metric, type) and issubclass(metric, mx.metric.EvalMetric):
        return metric()
    if isinstance(metric, (list, tuple)):
        composite = mx.metric.CompositeEvalMetric()
        composite.metrics.extend(created(child) for child in metric)
        return composite
    try:
        return mx.metric.create(metric)
    except Exception as error:
        registered = mx.registry.get_registry(mx.metric.EvalMetric)
        raise ConfigError(
            "MXNet makes no metric of this eval_metric",
            expected="a name, a list of names, an mx.metric.EvalMetric or a function "
            "(label, prediction)",
            received=f"{metric!r:.200}",
            where=f"{type(error).__name__}: {error}".splitlines()[0][:200],
            fix=nearest(metric, registered) if isinstance(metric, str) else None,
        ) from error


def copied(metric: Any) -> Any:
    """Return an empty copy of a metric; the metric itself if it cannot be copied."""
    try:
        twin = copy.deepcopy(metric)
    except Exception as error:  # a user's metric may hold a lock, an open file, a generator...
        _log.warning(
            "The metric %r cannot be copied (%s: %s). One object serves training, validation and "
            "callbacks, as in Module.fit: a callback that resets it shortens the epoch's numbers.",
            name_of(metric),
            type(error).__name__,
            error,
        )
        return metric
    reset(twin)
    return twin


def reset(metric: Any) -> None:
    """Reset a metric, and each child of a composite separately.

    `CompositeEvalMetric.reset` stops at the first child that raises AttributeError, silently.
    """
    if type(metric).reset is mx.metric.CompositeEvalMetric.reset:
        for child in metric.metrics:
            reset(child)
    else:
        metric.reset()


def sums_in_lists(metric: Any) -> list[Any]:
    """Return the parts of a metric that keep a list of sums.

    `EvalMetric.reset_local` replaces such a list by one number, and the next update fails.
    """
    return [part for part in parts_of(metric) if isinstance(getattr(part, "sum_metric", 0), list)]


def parts_of(metric: Any) -> list[Any]:
    """Return the metrics in a composite, recursively; for other metrics, the metric alone."""
    if isinstance(metric, mx.metric.CompositeEvalMetric):
        return [part for child in metric.metrics for part in parts_of(child)]
    return [metric]


def name_of(metric: Any) -> str:
    """Return a metric's name; its class name if it has none."""
    return str(getattr(metric, "name", type(metric).__name__))


@contextmanager
def named(
    metric: Any,
    call: str,
    labels: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
) -> Iterator[None]:
    """Convert an error of the metric's method `call` into one that names the metric.

    Raises:
        DataError: the method raised an error, which is the cause.
    """
    try:
        yield
    except DensefitError:
        raise
    except Exception as error:
        raise DataError(
            f"The metric {name_of(metric)!r} failed in {call}(): {type(error).__name__}: {error}",
            received=None
            if labels is None
            else f"labels {_shapes(labels)}, outputs {_shapes(outputs or {})}",
            where=f"{type(metric).__module__}.{type(metric).__name__}",
            fix="the metric gets all outputs and all labels of the batch; its output_names and "
            "label_names choose among them"
            if labels is not None
            else None,
        ) from error


def _shapes(arrays: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {tuple(array.shape)}" for name, array in arrays.items()) or "none"
