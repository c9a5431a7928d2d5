"""The shards that are open, the least recently used of which are closed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from densefit.data.sample import Sample
from densefit.errors import DataError

_Value = TypeVar("_Value")


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
        repair: replaces damaged copies of a shard; returns whether there were any.
    """

    def __init__(
        self,
        make: Callable[[int], tuple[ShardReader, Any]],
        most: int,
        repair: Callable[[int], bool],
    ) -> None:
        self._make, self._most, self._repair = make, most, repair
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._repairing = threading.Lock()
        self._repaired: dict[int, bool] = {}
        self._opening: dict[int, threading.Lock] = {}
        self._open: OrderedDict[int, tuple[ShardReader, Any]] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {"_make": self._make, "_most": self._most, "_repair": self._repair}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    def read(self, number: int, call: Callable[[ShardReader], _Value]) -> _Value:
        """Call a function with a shard; again, if a damaged copy of the shard made it fail."""
        try:
            return call(self[number])
        except DataError:
            with self._repairing:
                if number not in self._repaired:
                    self._repaired[number] = self._repair(number)
                    with self._lock:
                        self._open.pop(number, None)
            if not self._repaired[number]:
                raise
        return call(self[number])

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
                while len(self._open) >= self._most:  # a cache may need their room
                    self._open.popitem(last=False)
            pair = self._make(number)
            with self._lock:
                self._open[number] = pair
                self._opening.pop(number, None)
            return pair[0]
