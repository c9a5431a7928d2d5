"""Decoded samples in files, within a budget of bytes that all processes share."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.fingerprint import fingerprint
from densefit.data.io.array_codec import from_bytes, to_bytes
from densefit.data.sample import Dataset
from densefit.errors import ConfigError, DataError, writing
from densefit.process.system_calls import lock_file

_CRC = 4


class DiskCache:
    """Keep a file for each sample; their total size is in the file `used`, under a lock."""

    def __init__(self, folder: Path, budget: int, dataset: Dataset) -> None:
        if " at 0x" in repr(dataset):
            raise ConfigError(
                "A cache on disk tells datasets apart by their repr; this one has none of its own",
                received=repr(dataset),
                where="Cached(folder=...)",
                fix=f"give {type(dataset).__name__} a __repr__ with its settings, or keep the "
                "samples in memory",
            )
        self._budget, self._too_large = budget, budget
        name = hashlib.sha256(repr(dataset).encode()).hexdigest()[:16]
        self._folder = folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        self._key = _key(dataset)
        self._state = self._folder / self._key
        with self._locked():
            for other in self._folder.iterdir():
                if other.is_dir() and other.name != self._key:
                    shutil.rmtree(other)
            if not self._state.is_dir():
                self._state.mkdir()
                (self._folder / "used").write_text("0")

    @property
    def used(self) -> int:
        """Bytes in use, including an unfinished write of a killed process."""
        with self._locked():
            return int((self._folder / "used").read_text() or 0)

    def get(self, index: int) -> dict[str, np.ndarray] | None:
        path = self._path(index)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        body = memoryview(data)[_CRC:]
        if len(data) < _CRC or zlib.crc32(body).to_bytes(_CRC, "little") != data[:_CRC]:
            return None  # damaged: read from the dataset
        try:
            return from_bytes(body, path)[0]
        except DataError:
            return None

    def put(self, index: int, arrays: dict[str, np.ndarray]) -> None:
        path = self._path(index)
        # Nothing is evicted, so a sample that did not fit once never will.
        at_least = sum(array.nbytes for array in arrays.values() if array.dtype != object)
        if at_least >= self._too_large:
            return
        data = to_bytes(arrays, {}, compress=False)
        with self._locked():
            used = int((self._folder / "used").read_text() or 0)
            replaced = path.stat().st_size if path.exists() else 0
            # Old and new file exist for a moment, so both must fit.
            if used + len(data) + _CRC > self._budget or not self._state.is_dir():
                if used + at_least > self._budget:
                    self._too_large = min(self._too_large, at_least)
                return
            _replace(self._folder / "used", str(used + len(data) + _CRC - replaced).encode())
            try:
                _replace(path, zlib.crc32(data).to_bytes(_CRC, "little") + data)
            except OSError:  # the disk is full
                _replace(self._folder / "used", str(used).encode())
                raise

    def _path(self, index: int) -> Path:
        return self._state / f"{index}.sample"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock among all threads and processes."""
        with open(self._folder / "lock", "w") as file:  # closing it releases the lock
            with suppress(OSError):  # a system without locks
                lock_file(file.fileno(), wait=True)
            yield


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        with writing(path):
            temporary.write_bytes(data)
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _key(dataset: Dataset) -> str:
    """A key that changes with the dataset."""
    digest = hashlib.sha256(json.dumps(fingerprint(dataset)).encode())
    for path in getattr(dataset, "data_files", ()):
        stat = os.stat(path)
        digest.update(f"{stat.st_size} {stat.st_mtime_ns}\n".encode())
    find: Any = getattr(dataset, "picture_file", None)
    for index in range(len(dataset) if find is not None else 0):
        try:
            stat = os.stat(find(index))
            digest.update(f"{stat.st_size} {stat.st_mtime_ns}\n".encode())
        except (DataError, OSError, KeyError):
            digest.update(b"-\n")  # a broken sample raises when it is read
    return digest.hexdigest()[:16]
