"""Prepare the next shards in a thread while others are read."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any


class ReadAhead:
    """Calls a function for the shards that come next, one after another, in a daemon thread.

    Args:
        prepare: makes a shard available; does not raise.
        waits: whether shards that come next are prepared before a call returns.
    """

    def __init__(self, prepare: Callable[[int], None], waits: bool) -> None:
        self._prepare, self._waits = prepare, waits
        self._start()

    def _start(self) -> None:
        self._queue: deque[int] = deque()
        self._last: list[int] = []
        self._work = threading.Lock()
        self._thread: threading.Thread | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_prepare": self._prepare, "_waits": self._waits}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    def announce(self, now: Sequence[int], later: Sequence[int]) -> None:
        """Prepare shards that are remote before this returns, and further ones in the thread.

        Args:
            now: shards that the next samples are in.
            later: shards that come after these; they replace those of the last call.
        """
        for shard in now if self._waits else ():
            if shard not in self._last:
                self._prepare(shard)
        self._last = list(now)
        with self._work:
            self._queue = deque(later)
            if self._thread is None and later:
                self._thread = threading.Thread(target=self._run, name="shards", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._work:
                if not self._queue:
                    self._thread = None
                    return
                shard = self._queue.popleft()
            self._prepare(shard)
