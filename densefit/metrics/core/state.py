"""Settings in the state of a metric, and errors for states that do not fit."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.errors import CheckpointError
from densefit.once import first_time

logger = logging.getLogger(__name__)

SETTINGS = "settings_of_metric"
"""Key of the settings in a state; they are one text, which any store preserves."""

_INCOMPARABLE: Any = object()  # a value such as a function


def entry(state: Mapping[str, Any], key: str, metric: str) -> Any:
    """Look up `key` in a metric's state.

    >>> entry({"count": 3}, "count", "accuracy")
    3

    Raises:
        CheckpointError: the state has no such key, as it is of another metric.
    """
    if key not in state:
        raise CheckpointError(
            f"The state is not one of the metric {metric!r}",
            expected=f"a key {key!r}",
            received=f"keys {', '.join(map(repr, state)) or 'none'}",
            fix="load a checkpoint that was written with the same metrics",
        )
    return state[key]


def arguments(kind: type, positional: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a constructor by name, with defaults."""
    try:
        bound = inspect.signature(kind.__init__).bind_partial(None, *positional, **named)  # type: ignore[misc]
    except (TypeError, ValueError):  # the constructor raises an error
        return {}
    bound.apply_defaults()
    return dict(list(bound.arguments.items())[1:])


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Convert settings to JSON values, without functions and other incomparable objects.

    >>> plain({"classes": ("cat", "dog"), "iou": np.float64(0.5), "function": print})
    {'classes': ['cat', 'dog'], 'iou': 0.5}
    """
    values = {str(name): _plain(value) for name, value in settings.items()}
    return {name: value for name, value in values.items() if value is not _INCOMPARABLE}


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)) and value.dtype.kind in "biufU":
        return value.tolist()  # first, since np.float64 is a float
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, (list, tuple)):
        parts = [_plain(part) for part in value]
        return _INCOMPARABLE if any(part is _INCOMPARABLE for part in parts) else parts
    settings = getattr(value, "settings", None)  # a metric inside a metric
    return plain(settings()) if callable(settings) else _INCOMPARABLE


def written(settings: Mapping[str, Any]) -> str:
    """Serialise settings to the text in a state."""
    return json.dumps(plain(settings), ensure_ascii=False)


def differing(
    settings: Mapping[str, Any], stored: Mapping[str, Any], prefix: str = ""
) -> dict[str, tuple[Any, Any]]:
    """Map each differing setting to (value, stored value).

    A setting that is missing on a side was added or removed by a version of the metric.

    >>> differing({"k": 1, "new": True}, {"k": 5})
    {'k': (1, 5)}
    """
    differences: dict[str, tuple[Any, Any]] = {}
    for name in settings:
        if name not in stored or settings[name] == stored[name]:
            continue
        left, right, title = settings[name], stored[name], f"{prefix}{name}"
        if isinstance(left, dict) and isinstance(right, dict):
            differences.update(differing(left, right, f"{title}."))
        elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            of_left, of_right = (
                {f"{title}[{i}]": value for i, value in enumerate(side)} for side in (left, right)
            )
            differences.update(differing(of_left, of_right))
        elif json.dumps(left) != json.dumps(right):  # nan is not nan
            differences[title] = (left, right)
    return differences


def listed(differences: Mapping[str, tuple[Any, Any]], side: int) -> str:
    """List the first differing settings of one side, for an error."""
    texts = [f"{name}={pair[side]!r}" for name, pair in differences.items()]
    texts = [text if len(text) < 200 else f"{text[:200]}..." for text in texts]
    return ", ".join(texts[:5]) + (", ..." if len(texts) > 5 else "")


def check_settings(settings: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Raise CheckpointError if a state was written by a metric with other settings.

    A state of an older version, without settings, is accepted with one warning.
    """
    metric = str(settings["name"])
    if SETTINGS not in state:
        if first_time("a state without settings", metric):
            logger.warning(
                "The state of the metric %r does not say its settings (it is of an older version): "
                "taken to be those of now, %s",
                metric,
                written(settings),
            )
        return
    differences = differing(plain(settings), json.loads(str(state[SETTINGS])))
    if differences:
        raise CheckpointError(
            f"The state is of the metric {metric!r} with other settings",
            expected=listed(differences, 0),
            received=listed(differences, 1),
            fix="make the metric with the settings that the state was written with",
        )
