"""State of an additive metric as one vector, stored without zeros."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from densefit.metrics.core.state import SETTINGS


class SparseState:
    """State of an additive metric, stored as its nonzero numbers.

    A confusion matrix of 150 classes has 22,500 counts; one image changes about a hundred.

    Args:
        state: `state_dict` of the metric.
    """

    def __init__(self, state: Mapping[str, Any]) -> None:
        dense = vector(state)
        self._size = len(dense)
        self._indices = np.flatnonzero(dense).astype(np.int32)
        self._values = dense[self._indices]

    def vector(self) -> np.ndarray:
        """Return all numbers, (S,) float64."""
        dense = np.zeros(self._size)
        dense[self._indices] = self._values
        return dense


def restored(template: Mapping[str, Any], numbers: np.ndarray) -> dict[str, Any]:
    """Fill a state like `template` with the numbers of a vector (S,).

    >>> restored({"total": 1.0, "count": 2}, np.array([3.0, 4.0]))
    {'total': 3.0, 'count': 4}
    """
    state: dict[str, Any] = _filled(template, iter(_split(template, numbers)))
    return state


def _leaves(state: Any) -> list[Any]:
    """List the numbers and arrays of a state in order, without its settings."""
    if isinstance(state, Mapping):
        counted = [value for key, value in state.items() if key != SETTINGS]
        return [leaf for value in counted for leaf in _leaves(value)]
    if isinstance(state, (list, tuple)):
        return [leaf for value in state for leaf in _leaves(value)]
    return [state]


def vector(state: Any) -> np.ndarray:
    """Concatenate all numbers of a state, (S,) float64."""
    parts = [np.asarray(leaf, np.float64).ravel() for leaf in _leaves(state)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _split(template: Any, vector: np.ndarray) -> list[Any]:
    """Split `vector` into the leaves of a state like `template`, with their types."""
    leaves = []
    for leaf in _leaves(template):
        like = np.asarray(leaf)
        part = vector[: like.size].astype(like.dtype).reshape(like.shape)
        leaves.append(part if isinstance(leaf, np.ndarray) else part.item())
        vector = vector[like.size :]
    return leaves


def _filled(template: Any, leaves: Iterator[Any]) -> Any:
    """Replace the leaves of `template`."""
    if isinstance(template, Mapping):
        return {
            key: value if key == SETTINGS else _filled(value, leaves)
            for key, value in template.items()
        }
    if isinstance(template, (list, tuple)):
        return [_filled(value, leaves) for value in template]
    return next(leaves)
