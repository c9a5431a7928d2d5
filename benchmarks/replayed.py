"""Batches in memory, so that reading them costs nothing."""

from __future__ import annotations

from itertools import islice
from typing import Any

import densefit as df
from densefit.backend import mx


class Replayed(mx.io.DataIter):  # type: ignore[misc]
    """Repeat the batches of a loader's first epoch from memory.

    Args:
        loader: read once.
        count: batches an epoch.
        most: largest number of different batches; all of the epoch by default.
    """

    def __init__(self, loader: df.Loader, count: int, most: int | None = None) -> None:
        super().__init__(loader.batch_size)
        self.provide_data, self.provide_label = loader.provide_data, loader.provide_label
        self.batches = list(islice(loader, most))
        self._count = count
        self._next = 0

    def __len__(self) -> int:
        return self._count

    def reset(self) -> None:
        """Begin an epoch."""
        self._next = 0

    def next(self) -> Any:
        """Give the next batch."""
        if self._next == self._count:
            raise StopIteration
        self._next += 1
        return self.batches[(self._next - 1) % len(self.batches)]
