"""Reading a metric's state back, with errors that say what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.errors import CheckpointError


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
