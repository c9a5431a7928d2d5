"""The shards that are open, the least recently used of which are closed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from densefit.data.sample import Sample


class ShardReader(Protocol):
    """Reads the samples of a shard by number; any number of threads may read at once."""

    def __len__(self) -> int: ...

    def id_of(self, index: int) -> str: ...

    def targets_of(self, index: int) -> Sequence[str] | None: ...

    def image_bytes(self, index: int) -> bytes: ...

    def __getitem__(self, index: int) -> Sample: ...


class OpenShards:
    """Opens shards when they are needed; one thread opens a shard, and others wait for it.

    Args:
        make: opens a shard; returns its reader, and what keeps its files in a cache.
        most: open shards at most.
    """

    def __init__(self, make: Callable[[int], tuple[ShardReader, Any]], most: int) -> None:
        self._make, self._most = make, most
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._opening: dict[int, threading.Lock] = {}
        self._open: OrderedDict[int, tuple[ShardReader, Any]] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {"_make": self._make, "_most": self._most}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    def __getitem__(self, number: int) -> ShardReader:
        with self._lock:
            if number in self._open:
                self._open.move_to_end(number)
                return self._open[number][0]
            opening = self._opening.setdefault(number, threading.Lock())
        with opening:
            with self._lock:
                if number in self._open:
                    return self._open[number][0]
            pair = self._make(number)
            with self._lock:
                self._open[number] = pair
                self._opening.pop(number, None)
                while len(self._open) > self._most:
                    self._open.popitem(last=False)
            return pair[0]
