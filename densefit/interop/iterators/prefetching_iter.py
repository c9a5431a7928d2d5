"""Guard of `mx.io.PrefetchingIter` against hangs: an error if a reader thread has died.

An error of the inner iterator ends its reader thread, and MXNet's consumer then waits for ever
for an event that is never set.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from densefit.errors import DataError
from densefit.interop.mxnet import mx

INTERVAL = 0.1  # seconds between two checks of the threads


class Ready:
    """Replacement of a `threading.Event` whose `wait` raises if the setting thread has died.

    Args:
        event: the event that the thread sets.
        threads: threads without which the event is never set.
    """

    def __init__(self, event: threading.Event, threads: Sequence[threading.Thread]) -> None:
        self._event, self._threads = event, list(threads)
        self.set, self.clear, self.is_set = event.set, event.clear, event.is_set

    def wait(self) -> bool:
        """Wait until the event is set.

        Raises:
            DataError: a thread has died.
        """
        while not self._event.wait(INTERVAL):
            # The thread may have set the event and ended since.
            if not all(thread.is_alive() for thread in self._threads) and not self._event.is_set():
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

    Prefetching iterators inside it are guarded, too.

    Returns:
        The reader threads of all of them.
    """
    prefetching = isinstance(iterator, mx.io.PrefetchingIter)
    inner = iterator.iters if prefetching else [getattr(iterator, "data_iter", None)]  # ResizeIter
    within = [
        guard_prefetching_iter(inner_iterator) if isinstance(inner_iterator, mx.io.DataIter) else []
        for inner_iterator in inner
    ]
    threads = list(iterator.prefetch_threads) if prefetching else []
    for index, (thread, below) in enumerate(zip(threads, within)):
        if isinstance(iterator.data_ready[index], threading.Event):
            iterator.data_ready[index] = Ready(iterator.data_ready[index], [thread, *below])
    return [*threads, *(thread for nested in within for thread in nested)]
