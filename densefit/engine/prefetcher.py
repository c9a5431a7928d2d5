"""The batches of each update, read ahead while the device computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from typing_extensions import Self

from densefit.callbacks.clock import Clock
from densefit.data.batch import Batch
from densefit.errors import DensefitError


class Prefetcher:
    """Yield a list of micro-batches for each update, and read the next one during computation.

    Only batches that are `ready` are prefetched, so that the device never waits for a reader. Other
    iterators are read when their batches are needed.

    Args:
        batches: batches of an epoch, as a reader gives them.
        accumulate: micro-batches per update; the last update may have fewer.
        updates: number of updates beyond which nothing is read ahead; None: any.
        ready: returns whether the next batch is available without waiting; None for never.
        clock: charged with waiting ("data") and with prefetching ("copy").
        first: number of the first update, for error messages.
        begin_update: called before an update's micro-batches are read.
    """

    def __init__(
        self,
        batches: Iterable[Batch],
        accumulate: int = 1,
        updates: int | None = None,
        ready: Callable[[], bool] | None = None,
        clock: Clock | None = None,
        first: int = 1,
        begin_update: Callable[[], None] | None = None,
    ) -> None:
        self._batches = iter(batches)
        self._accumulate, self._ready = accumulate, ready
        self._left = None if updates is None else updates * accumulate  # batches
        self._clock, self._number = clock or Clock(), first
        self._begin_update = begin_update
        self._ahead: deque[Batch | Exception] = deque()  # batches, or the exception or end instead

    def prefetch(self) -> None:
        """Prefetch one more batch if it is available; its error is raised by its update."""
        with self._clock("copy"):
            if self._ready is not None and self._is_more_wanted() and self._ready():
                self._ahead.append(self._read())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> list[Batch]:
        """Return the micro-batches of the next update."""
        if self._begin_update is not None:
            self._begin_update()
        batches: list[Batch] = []
        with self._clock("data"):
            while len(batches) < self._accumulate:
                batch = self._ahead.popleft() if self._ahead else self._read()
                if isinstance(batch, StopIteration):
                    break
                if isinstance(batch, DensefitError):
                    raise batch.located(f"update {self._number}") from batch
                if isinstance(batch, Exception):
                    raise batch
                batches.append(batch)
                self._left = None if self._left is None else self._left - 1
        if not batches:
            raise StopIteration
        self._number += 1
        return batches

    def _is_more_wanted(self) -> bool:
        """Whether the next update needs another batch."""
        ahead = len(self._ahead)
        if ahead and isinstance(self._ahead[-1], Exception):
            return False
        return ahead < self._accumulate and (self._left is None or ahead < self._left)

    def _read(self) -> Batch | Exception:
        try:
            return next(self._batches)
        except Exception as error:  # the end, too
            return error
