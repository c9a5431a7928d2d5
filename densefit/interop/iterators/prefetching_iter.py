"""`mx.io.PrefetchingIter` without its hang: an error where one of its threads has died.

An error of the iterator inside ends the thread that reads it, and MXNet's consumer then waits for
ever for an event that nobody will set.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from densefit.backend import mx
from densefit.errors import DataError

INTERVAL = 0.1  # seconds between two looks at the threads


class Ready:
    """In place of a `threading.Event` that a thread sets: `wait` ends when the thread is dead.

    Args:
        event: the one that the thread sets.
        threads: those without which it will not be set.
    """

    def __init__(self, event: threading.Event, threads: Sequence[threading.Thread]) -> None:
        self._event, self._threads = event, list(threads)
        self.set, self.clear, self.is_set = event.set, event.clear, event.is_set

    def wait(self) -> bool:
        """Wait until the event is set.

        Raises:
            DataError: a thread has died before.
        """
        while not self._event.wait(INTERVAL):
            # It may have set the event and ended since.
            if not all(one.is_alive() for one in self._threads) and not self._event.is_set():
                raise DataError(
                    "A thread that reads batches ahead has died: no batch will come any more",
                    received="an mx.io.PrefetchingIter whose inner iterator failed; its error is "
                    "on stderr",
                    fix="give the inner iterator itself, whose error then comes out here, or a "
                    "df.Loader, which works ahead too; and make a new iterator",
                )
        return True


def guard_prefetching_iter(iterator: Any) -> list[threading.Thread]:
    """Raise DataError if a reader thread of `iterator` has died, instead of blocking for ever.

    The same for prefetching iterators inside it.

    Returns:
        All those threads.
    """
    prefetching = isinstance(iterator, mx.io.PrefetchingIter)
    inner = iterator.iters if prefetching else [getattr(iterator, "data_iter", None)]  # ResizeIter
    within = [
        guard_prefetching_iter(one) if isinstance(one, mx.io.DataIter) else [] for one in inner
    ]
    own = list(iterator.prefetch_threads) if prefetching else []
    for place, (thread, below) in enumerate(zip(own, within)):
        if isinstance(iterator.data_ready[place], threading.Event):
            iterator.data_ready[place] = Ready(iterator.data_ready[place], [thread, *below])
    return [*own, *(thread for threads in within for thread in threads)]
