"""Prepare the next shards in threads while others are read."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

_THREADS = 2  # downloads at once


class ReadAhead:
    """Calls a function for the shards that come next, in daemon threads.

    Args:
        prepare: makes a shard available; does not raise.
        waits: whether shards that come now are prepared before a call returns.
    """

    def __init__(self, prepare: Callable[[int], None], waits: bool) -> None:
        self._prepare, self._waits = prepare, waits
        self._start()

    def _start(self) -> None:
        self._queue: deque[int] = deque()
        self._work = threading.Lock()
        self._threads: set[threading.Thread] = set()

    def __getstate__(self) -> dict[str, Any]:
        return {"_prepare": self._prepare, "_waits": self._waits}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    def announce(self, now: Sequence[int], later: Sequence[int]) -> None:
        """Prepare further shards in the threads, and, of remote ones, those that come now.

        Args:
            now: shards that the next samples are in; if they are remote, the call waits for them.
            later: shards that come after these; they replace those of the last call.
        """
        with self._work:
            self._queue = deque(later)
            self._begin()
        for shard in now if self._waits else ():
            self._prepare(shard)

    def add(self, shard: int) -> None:
        """Prepare a shard in the threads, after all others."""
        with self._work:
            if shard not in self._queue:
                self._queue.append(shard)
            self._begin()

    def wait(self) -> None:
        """Wait until all shards that were announced are prepared."""
        for thread in tuple(self._threads):
            thread.join()

    def _begin(self) -> None:
        for _ in range(min(_THREADS - len(self._threads), len(self._queue))):
            thread = threading.Thread(target=self._run, name="shards", daemon=True)
            self._threads.add(thread)
            thread.start()

    def _run(self) -> None:
        while True:
            with self._work:
                if not self._queue:
                    self._threads.discard(threading.current_thread())
                    return
                shard = self._queue.popleft()
            self._prepare(shard)
