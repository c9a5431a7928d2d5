"""A metric's state: its settings travel with it, and errors say what is missing or differs."""

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
"""The key of a state that holds the settings, as one text that any store keeps as it is."""

_UNTOLD: Any = object()  # a value that cannot be compared, such as a function


def entry(state: Mapping[str, Any], key: str, metric: str) -> Any:
    """The value `key` of a metric's state.

    >>> entry({"count": 3}, "count", "accuracy")
    3

    Raises:
        CheckpointError: the state has no such key, so it is another metric's.
    """
    if key not in state:
        raise CheckpointError(
            f"The state is not one of the metric {metric!r}",
            expected=f"a key {key!r}",
            received=f"keys {', '.join(map(repr, state)) or 'none'}",
            fix="load a checkpoint that was written with the same metrics",
        )
    return state[key]


def arguments(kind: type, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a constructor by name, defaults included."""
    try:
        bound = inspect.signature(kind.__init__).bind_partial(None, *given, **named)  # type: ignore[misc]
    except (TypeError, ValueError):  # the constructor says what is wrong with them
        return {}
    bound.apply_defaults()
    return dict(list(bound.arguments.items())[1:])


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as JSON has them; functions and other objects that cannot be compared are left out.

    >>> plain({"classes": ("cat", "dog"), "iou": np.float64(0.5), "function": print})
    {'classes': ['cat', 'dog'], 'iou': 0.5}
    """
    found = {str(name): _plain(value) for name, value in settings.items()}
    return {name: value for name, value in found.items() if value is not _UNTOLD}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.generic, np.ndarray)) and value.dtype.kind in "biufU":
        return value.tolist()
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, (list, tuple)):
        parts = [_plain(part) for part in value]
        return _UNTOLD if any(part is _UNTOLD for part in parts) else parts
    settings = getattr(value, "settings", None)  # a metric inside a metric
    return plain(settings()) if callable(settings) else _UNTOLD


def written(settings: Mapping[str, Any]) -> str:
    """The text that a state holds."""
    return json.dumps(plain(settings), ensure_ascii=False)


def differing(
    mine: Mapping[str, Any], others: Mapping[str, Any], prefix: str = ""
) -> dict[str, tuple[Any, Any]]:
    """Setting -> (mine, the other's) where both are known and differ.

    A setting that only one side knows came or went with a version of the metric.

    >>> differing({"k": 1, "new": True}, {"k": 5})
    {'k': (1, 5)}
    """
    found: dict[str, tuple[Any, Any]] = {}
    for name in mine:
        if name not in others or mine[name] == others[name]:
            continue
        own, other, title = mine[name], others[name], f"{prefix}{name}"
        if isinstance(own, dict) and isinstance(other, dict):
            found.update(differing(own, other, f"{title}."))
        elif isinstance(own, list) and isinstance(other, list) and len(own) == len(other):
            left, right = (
                {f"{title}[{i}]": value for i, value in enumerate(one)} for one in (own, other)
            )
            found.update(differing(left, right))
        elif json.dumps(own) != json.dumps(other):  # nan is not nan
            found[title] = (own, other)
    return found


def listed(differences: Mapping[str, tuple[Any, Any]], side: int) -> str:
    """The first differing settings of one side, for an error."""
    shown = [f"{name}={pair[side]!r}" for name, pair in differences.items()]
    shown = [text if len(text) < 200 else f"{text[:200]}..." for text in shown]
    return ", ".join(shown[:5]) + (", ..." if len(shown) > 5 else "")


def check_settings(settings: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Raise CheckpointError if a state was written by a metric of other settings.

    A state from before settings were written is taken, and told of once.
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
