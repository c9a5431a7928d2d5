"""The numbers of an additive metric's state as one vector, kept without its zeros."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from densefit.metrics.core.state import SETTINGS


class SparseState:
    """What an additive metric has seen, in the memory of what is not 0.

    A confusion matrix of 150 classes has 22,500 counts, of which one picture touches a hundred.

    Args:
        state: of the metric.
    """

    def __init__(self, state: Mapping[str, Any]) -> None:
        dense = vector(state)
        self._size = len(dense)
        self._places = np.flatnonzero(dense).astype(np.int32)
        self._values = dense[self._places]

    def vector(self) -> np.ndarray:
        """All numbers, (S,) float64."""
        dense = np.zeros(self._size)
        dense[self._places] = self._values
        return dense


def restored(template: Mapping[str, Any], numbers: np.ndarray) -> dict[str, Any]:
    """A state like `template` with other numbers, (S,).

    >>> restored({"total": 1.0, "count": 2}, np.array([3.0, 4.0]))
    {'total': 3.0, 'count': 4}
    """
    state: dict[str, Any] = _filled(template, iter(_split(template, numbers)))
    return state


def _leaves(state: Any) -> list[Any]:
    """The numbers and arrays of a state, in its order, without its settings."""
    if isinstance(state, Mapping):
        counted = [value for key, value in state.items() if key != SETTINGS]
        return [leaf for value in counted for leaf in _leaves(value)]
    if isinstance(state, (list, tuple)):
        return [leaf for value in state for leaf in _leaves(value)]
    return [state]


def vector(state: Any) -> np.ndarray:
    """All numbers of a state, (S,) float64."""
    parts = [np.asarray(leaf, np.float64).ravel() for leaf in _leaves(state)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _split(template: Any, vector: np.ndarray) -> list[Any]:
    """The leaves of a state like `template` with the numbers of `vector`, in their own types."""
    leaves = []
    for leaf in _leaves(template):
        like = np.asarray(leaf)
        part = vector[: like.size].astype(like.dtype).reshape(like.shape)
        leaves.append(part if isinstance(leaf, np.ndarray) else part.item())
        vector = vector[like.size :]
    return leaves


def _filled(template: Any, leaves: Iterator[Any]) -> Any:
    """`template` with other leaves."""
    if isinstance(template, Mapping):
        return {
            key: value if key == SETTINGS else _filled(value, leaves)
            for key, value in template.items()
        }
    if isinstance(template, (list, tuple)):
        return [_filled(value, leaves) for value in template]
    return next(leaves)
