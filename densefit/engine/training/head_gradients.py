"""Gradients of the shared parameters, kept apart by head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np


class HeadGradients:
    """Collect the gradients of each head's backward pass, and write back a combination.

    Args:
        shapes: shape of each trained parameter, by name.
        shared: names of the parameters that several heads train.
        heads: number of heads.
        read: copies the gradient of a parameter to host memory; waits for the backward pass.
        write: replaces the gradient of a parameter.

    Attributes:
        rows: (heads, P) float32, each head's gradient as one vector.
        part: likewise after an update's first micro-batch; None unless `take_part` was called.
    """

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        shared: Sequence[str],
        heads: int,
        read: Callable[[str], np.ndarray],
        write: Callable[[str, np.ndarray], None],
    ) -> None:
        self._read, self._write, self._shared = read, write, list(shared)
        self._unshared = [name for name in shapes if name not in set(shared)]
        self._shapes = [shapes[name] for name in self._shared]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        self.rows = np.zeros((heads, sum(self._sizes)), np.float32)
        self._sums: dict[str, np.ndarray] = {}
        self.part: np.ndarray | None = None

    def spans(self) -> dict[str, slice]:
        """Columns of `rows` that each shared parameter has, in order."""
        ends = np.cumsum([0, *self._sizes]).tolist()
        return {name: slice(*ends[n : n + 2]) for n, name in enumerate(self._shared)}

    def clear(self) -> None:
        """Forget the gradients of the last update."""
        self.rows[:] = 0.0
        self._sums = {}
        if self.part is not None:
            self.part[:] = 0.0

    def take(self, row: int) -> None:
        """Store the current gradients as row `row`; waits for the backward pass."""
        self._copy(self.rows[row])
        for name in self._unshared:
            gradient = self._read(name)
            self._sums[name] = self._sums[name] + gradient if name in self._sums else gradient

    def take_part(self, row: int) -> None:
        """Store the current gradients as row `row` of `part`; waits for the backward pass."""
        if self.part is None:
            self.part = np.zeros_like(self.rows)
        self._copy(self.part[row])

    def put(self, combined: np.ndarray) -> None:
        """Write gradients of the shared parameters, and the summed gradients of other parameters.

        Args:
            combined: (P,) float32.
        """
        start = 0
        for name, size, shape in zip(self._shared, self._sizes, self._shapes):
            self._write(name, combined[start : start + size].reshape(shape))
            start += size
        for name, gradient in self._sums.items():
            self._write(name, gradient)

    def _copy(self, into: np.ndarray) -> None:
        """Copy the current gradients of the shared parameters into an array (P,)."""
        start = 0
        for name, size in zip(self._shared, self._sizes):
            into[start : start + size] = self._read(name).ravel()
            start += size
