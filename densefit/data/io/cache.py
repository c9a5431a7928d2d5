"""Decoded samples kept in memory or on disk, within a stated number of bytes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import threading
import weakref
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.annotated import all_targets, targets_of
from densefit.data.checks.sample import read_sample
from densefit.data.fingerprint import fingerprint
from densefit.data.io.array_codec import from_bytes, to_bytes
from densefit.data.sample import Dataset, Sample
from densefit.data.sample_id import sample_id
from densefit.errors import ConfigError, DataError, writing

_UNITS = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_CRC = 4
_log = logging.getLogger("densefit")


def parse_bytes(size: int | str) -> int:
    """A number of bytes.

    >>> parse_bytes("2GiB"), parse_bytes("1.5 MiB"), parse_bytes(7)
    (2147483648, 1572864, 7)

    Raises:
        ConfigError: it is none.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", str(size))
    if not match or match[2].lower() not in _UNITS:
        raise ConfigError(
            "This is not a number of bytes", expected="such as 500MiB or 2GiB", received=size
        )
    return int(float(match[1]) * _UNITS[match[2].lower()])


class Cached:
    """A dataset whose samples are decoded once, as far as they fit.

    What does not fit is read anew each time; nothing is thrown out for something else, since an
    epoch reads everything once and would throw out all of it before it comes again. Who gets a
    sample may change it. Everything else about the dataset passes through.

    Args:
        dataset: what is read. It must give the same sample each time.
        memory: the largest number of bytes of arrays kept in memory, such as "2GiB", in each
            process that reads.
        folder: where to keep them on disk instead, for later processes too. Of each dataset (by
            its `repr`, which must name its settings) there is one state; that of a changed one is
            replaced. Whether it changed is told by its `fingerprint`, and the time and size of the
            pictures' files, or of its `data_files`; a change of another annotation than those of
            the 4 samples looked at is not seen.
        disk: with `folder`, the largest number of bytes of this dataset's files there.

    Raises:
        ConfigError: not exactly one of `memory` and `folder` with `disk` is given; or, with
            `folder`, the dataset has no `repr` that is the same in another process.
    """

    #: A checkpoint made without the cache goes on with it.
    described_by = "dataset"

    def __init__(
        self,
        dataset: Dataset,
        memory: int | str | None = None,
        folder: str | Path | None = None,
        disk: int | str | None = None,
    ) -> None:
        if (memory is None) == (folder is None) or (folder is None) != (disk is None):
            raise ConfigError(
                "A cache is in memory or on disk, and has a budget",
                expected="memory, or folder and disk",
                received=f"memory={memory!r}, folder={folder!r}, disk={disk!r}",
                where="Cached",
            )
        self.dataset = dataset
        self._broken = False
        self._store: _Memory | _Disk
        if memory is not None:
            self._store = _Memory(parse_bytes(memory))
        else:
            self._store = _Disk(Path(str(folder)), parse_bytes(disk or 0), dataset)

    def __len__(self) -> int:
        return len(self.dataset)

    def __repr__(self) -> str:
        return repr(self.dataset)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "dataset":  # not there yet while it is unpickled
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def id_of(self, index: int) -> str:
        """The dataset's own."""
        return sample_id(self.dataset, index)

    def targets_of(self, index: int) -> Collection[str] | None:
        """The dataset's own."""
        return targets_of(self.dataset, index)

    def all_targets(self) -> list[frozenset[str]] | None:
        """The dataset's own."""
        return all_targets(self.dataset)

    def __getitem__(self, index: int) -> Sample:
        arrays = self._store.get(index)
        if arrays is None:
            sample = read_sample(self.dataset, index)
            self._keep(index, sample)
            return replace(sample, id=self.id_of(index))  # as it will be when it is kept
        image = arrays.pop("")
        return Sample(self.id_of(index), image, arrays)

    def _keep(self, index: int, sample: Sample) -> None:
        """Keep a sample, which is good whether that can be done or not."""
        if self._broken:
            return
        try:
            self._store.put(index, {"": sample.image, **sample.targets})
        except (OSError, DataError) as error:
            self._broken = True
            _log.warning(
                "Samples are no longer kept in the cache, from sample %r on: %s", sample.id, error
            )

    @property
    def used(self) -> int:
        """Bytes that are kept now."""
        return self._store.used


def cached(dataset: Dataset, settings: Mapping[str, Any] | None, where: str) -> Dataset:
    """The dataset behind the cache that `settings` describe, if they do.

    Raises:
        ConfigError: they are not those of a cache.
    """
    unknown = set(settings or ()) - {"memory", "folder", "disk"}
    if unknown:
        raise ConfigError(
            "These are not the settings of a cache",
            expected="memory, or folder and disk",
            received=settings,
            where=where,
        )
    return Cached(dataset, **settings) if settings else dataset


class _Kept:
    """Arrays by index, or samples as bytes."""

    def __init__(self) -> None:
        self.samples: dict[int, bytes | dict[str, np.ndarray]] = {}
        self.used = 0
        self.lock = threading.Lock()


#: What copies of a `_Memory` that came to this process keep. A loader's processes get the dataset
#: anew in each epoch, while they still have that of the epoch before.
_COPIES: weakref.WeakValueDictionary[str, _Kept] = weakref.WeakValueDictionary()


class _Memory:
    """Copies of arrays; in each other process those of the samples that are read there."""

    def __init__(self, budget: int) -> None:
        self._budget, self._token, self._own = budget, secrets.token_hex(8), _Kept()

    @property
    def used(self) -> int:
        return self._own.used

    def __getstate__(self) -> tuple[int, str]:
        return self._budget, self._token

    def __deepcopy__(self, memo: Any) -> _Memory:
        return _Memory(self._budget)  # of a dataset that may change

    def __setstate__(self, state: tuple[int, str]) -> None:
        self._budget, self._token = state
        self._own = _COPIES.setdefault(self._token, _Kept())

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


class _Disk:
    """A file a sample; how many bytes they have in all is in the file `used`, under a lock."""

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
        """Bytes that are kept; also those of a write that a killed process did not end."""
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
            return None  # it is damaged; the dataset still has the sample
        try:
            return from_bytes(body, path)[0]
        except DataError:
            return None

    def put(self, index: int, arrays: dict[str, np.ndarray]) -> None:
        path = self._path(index)
        # What is kept is not thrown out, so what did not fit once never will.
        least = sum(one.nbytes for one in arrays.values() if one.dtype != object)
        if least >= self._too_large:
            return
        data = to_bytes(arrays, {}, compress=False)
        with self._locked():
            used = int((self._folder / "used").read_text() or 0)
            replaced = path.stat().st_size if path.exists() else 0
            # Both are there for a moment, so both must fit.
            if used + len(data) + _CRC > self._budget or not self._state.is_dir():
                if used + least > self._budget:
                    self._too_large = min(self._too_large, least)
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
        """Alone among all threads and processes."""
        with open(self._folder / "lock", "w") as file:  # closing it ends the lock
            fcntl.flock(file, fcntl.LOCK_EX)
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
    """What tells the dataset from another, or from itself after a change."""
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
            digest.update(b"-\n")  # a broken sample, which is told when it is read
    return digest.hexdigest()[:16]
