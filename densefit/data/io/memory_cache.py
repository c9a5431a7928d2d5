"""Decoded samples in memory, within a budget of bytes."""

from __future__ import annotations

import secrets
import threading
import weakref
from typing import Any

import numpy as np

from densefit.data.io.array_codec import from_bytes, to_bytes


class _Samples:
    """Arrays by index, or samples as bytes."""

    def __init__(self) -> None:
        self.samples: dict[int, bytes | dict[str, np.ndarray]] = {}
        self.used = 0
        self.lock = threading.Lock()


#: Samples of unpickled copies in this process, by token. Worker processes unpickle the dataset in
#: each epoch, while they still hold that of the epoch before.
_COPIES: weakref.WeakValueDictionary[str, _Samples] = weakref.WeakValueDictionary()


class MemoryCache:
    """Copies of arrays; in each other process those of the samples that are read there."""

    def __init__(self, budget: int) -> None:
        self._budget, self._token, self._own = budget, secrets.token_hex(8), _Samples()

    @property
    def used(self) -> int:
        return self._own.used

    def __getstate__(self) -> tuple[int, str]:
        return self._budget, self._token

    def __deepcopy__(self, memo: Any) -> MemoryCache:
        return MemoryCache(self._budget)  # of a dataset that may change

    def __setstate__(self, state: tuple[int, str]) -> None:
        self._budget, self._token = state
        self._own = _COPIES.setdefault(self._token, _Samples())

    def get(self, index: int) -> dict[str, np.ndarray] | None:
        kept = self._own.samples.get(index)
        if isinstance(kept, bytes):
            return from_bytes(kept, f"the cached sample {index}")[0]
        return None if kept is None else {name: one.copy() for name, one in kept.items()}

    def put(self, index: int, arrays: dict[str, np.ndarray]) -> None:
        kept: bytes | dict[str, np.ndarray]
        least = sum(one.nbytes for one in arrays.values() if one.dtype != object)
        if self.used + least > self._budget:
            return
        if any(one.dtype == object for one in arrays.values()):
            # Whoever changes an object within an array would change that of a copy too; and how
            # large it is can be told of bytes only.
            kept = to_bytes(arrays, {}, compress=False)
            size = len(kept)
        else:
            size = sum(one.nbytes for one in arrays.values())
            if self.used + size > self._budget:
                return
            kept = {name: one.copy() for name, one in arrays.items()}
        with self._own.lock:
            if index not in self._own.samples and self.used + size <= self._budget:
                self._own.samples[index] = kept
                self._own.used += size
