"""Gradients of the shared parameters, kept apart by head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class HeadGradients:
    """Collect the gradients of each head's backward pass, and write back a combination.

    Args:
        gradients: gradients of each trained parameter, on each device.
        shared: names of the parameters that several heads train.
        heads: number of heads.
    """

    def __init__(
        self, gradients: Mapping[str, Sequence[Any]], shared: Sequence[str], heads: int
    ) -> None:
        self._gradients, self._shared = gradients, list(shared)
        self._unshared = [name for name in gradients if name not in set(shared)]
        self._shapes = [gradients[name][0].shape for name in self._shared]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        self.rows = np.zeros((heads, sum(self._sizes)), np.float32)
        self._sums: dict[str, np.ndarray] = {}

    def clear(self) -> None:
        """Forget the gradients of the last update."""
        self.rows[:] = 0.0
        self._sums = {}

    def take(self, row: int) -> None:
        """Store the current gradients as row `row`; waits for the backward pass."""
        start = 0
        for name, size in zip(self._shared, self._sizes):
            self.rows[row, start : start + size] = _sum(self._gradients[name]).ravel()
            start += size
        for name in self._unshared:
            gradient = _sum(self._gradients[name])
            self._sums[name] = self._sums[name] + gradient if name in self._sums else gradient

    def put(self, combined: np.ndarray) -> None:
        """Write gradients of the shared parameters, and the summed gradients of other parameters.

        Args:
            combined: (P,) float32.
        """
        start = 0
        for name, size, shape in zip(self._shared, self._sizes, self._shapes):
            _set(self._gradients[name], combined[start : start + size].reshape(shape))
            start += size
        for name, gradient in self._sums.items():
            _set(self._gradients[name], gradient)


def _sum(replicas: Sequence[Any]) -> np.ndarray:
    """Sum the gradient of a parameter over all devices."""
    total: np.ndarray = replicas[0].asnumpy()
    for other in replicas[1:]:
        total = total + other.asnumpy()
    return total


def _set(replicas: Sequence[Any], value: np.ndarray) -> None:
    """Write a gradient to the first device and 0 to the others, as devices are summed."""
    replicas[0][:] = value
    for other in replicas[1:]:
        other[:] = 0
