"""Decoded samples in memory, within a budget of bytes."""

from __future__ import annotations

import secrets
import threading
import weakref
from typing import Any

import numpy as np

from densefit.data.io.array_codec import from_bytes, to_bytes


class _Samples:
    """Samples by index: arrays, or packed bytes."""

    def __init__(self) -> None:
        self.samples: dict[int, bytes | dict[str, np.ndarray]] = {}
        self.used = 0
        self.lock = threading.Lock()


#: Samples of unpickled copies in this process, by token. Worker processes unpickle the dataset in
#: each epoch, while the copy of the previous epoch is still alive.
_COPIES: weakref.WeakValueDictionary[str, _Samples] = weakref.WeakValueDictionary()


class MemoryCache:
    """Keep copies of arrays; each process caches the samples that it reads."""

    def __init__(self, budget: int) -> None:
        self._budget, self._token, self._stored = budget, secrets.token_hex(8), _Samples()

    @property
    def used(self) -> int:
        return self._stored.used

    def __getstate__(self) -> tuple[int, str]:
        return self._budget, self._token

    def __deepcopy__(self, memo: Any) -> MemoryCache:
        return MemoryCache(self._budget)  # the copy of the dataset may change

    def __setstate__(self, state: tuple[int, str]) -> None:
        self._budget, self._token = state
        self._stored = _COPIES.setdefault(self._token, _Samples())

    def get(self, index: int) -> dict[str, np.ndarray] | None:
        stored = self._stored.samples.get(index)
        if isinstance(stored, bytes):
            return from_bytes(stored, f"the cached sample {index}")[0]
        return None if stored is None else {name: array.copy() for name, array in stored.items()}

    def put(self, index: int, arrays: dict[str, np.ndarray]) -> None:
        stored: bytes | dict[str, np.ndarray]
        at_least = sum(array.nbytes for array in arrays.values() if array.dtype != object)
        if self.used + at_least > self._budget:
            return
        if any(array.dtype == object for array in arrays.values()):
            # A copy of an object array shares its objects, which a caller may modify; and only
            # packed bytes have a known size.
            stored = to_bytes(arrays, {}, compress=False)
            size = len(stored)
        else:
            size = sum(array.nbytes for array in arrays.values())
            if self.used + size > self._budget:
                return
            stored = {name: array.copy() for name, array in arrays.items()}
        with self._stored.lock:
            if index not in self._stored.samples and self.used + size <= self._budget:
                self._stored.samples[index] = stored
                self._stored.used += size
