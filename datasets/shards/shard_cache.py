"""Copies of remote files in a folder, within a budget of bytes that all processes share."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from densefit.errors import ConfigError, DataError
from densefit.once import warn_once
from densefit.process.system_calls import lock_file

from .cached_file import LocalCopy, RemoteFile, is_at, is_unused, open_copy, remove_unused
from .retries import is_full, retried

_log = logging.getLogger("densefit")
PART = ".part"  # ends the name of a file while it is downloaded
_LOCK = "lock"
_POLL = 0.05  # seconds between looks at another process's download
_FORGET = 30.0  # seconds after which a failed download is tried again
#: Held by the one thread of this process that downloads where files have no locks.
_ONE_BY_ONE = threading.Lock()


class ShardCache:
    """Keeps copies of remote files; the least recently used ones make room for others.

    The files of the folder, those that are being downloaded included, never have more bytes than
    the budget. A file that a process has open is removed last: its readers hold a lock on it. One
    process downloads a file, and the others that need it wait. What a killed process left is
    removed when room is needed.

    Args:
        folder: of the copies; several datasets may share it.
        budget: most bytes.
    """

    def __init__(self, folder: Path, budget: int) -> None:
        self.folder, self.budget = folder, budget
        self._failures: dict[str, tuple[float, DataError]] = {}

    def open(self, file: RemoteFile) -> LocalCopy:
        """Return a copy of a file, downloaded if there is none.

        Raises:
            DataError: the file cannot be downloaded, the disk is full, or the cache is too small.
        """
        path = self.folder / file.name
        try:
            while True:
                copy = open_copy(path, file.size)
                if copy is not None:
                    return copy
                failed_at, failure = self._failures.get(file.name, (0.0, None))
                if failure is not None and time.monotonic() - failed_at < _FORGET:
                    raise failure
                path.parent.mkdir(parents=True, exist_ok=True)
                with nullcontext() if self._has_locks() else _ONE_BY_ONE:
                    self._download(file, path)
        except OSError as error:
            raise DataError(
                f"The cache of shards cannot be written: {error.strerror or error}",
                where=path,
                fix="another folder for the copies of remote shards: cache=FOLDER",
            ) from error

    def _download(self, file: RemoteFile, path: Path) -> None:
        """Download a file, unless another process has done it meanwhile."""
        part = path.with_name(path.name + PART)
        descriptor = os.open(part, os.O_CREAT | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o666)
        try:
            # Not a wait for the lock: the file is locked by its readers once it is complete.
            while not is_unused(descriptor):
                if path.exists() or not is_at(descriptor, part):
                    return  # another process was first
                time.sleep(_POLL)
            if path.exists() or not is_at(descriptor, part):
                return
            os.ftruncate(descriptor, 0)  # what a killed process left in it
            try:
                self._reserve(descriptor, file)
                try:
                    self._fill(descriptor, file)
                except DataError as error:
                    self._failures[file.name] = (time.monotonic(), error)
                    raise
                try:
                    os.replace(part, path)
                except FileNotFoundError:  # without locks, another thread may have moved it
                    return
                except PermissionError:  # Windows moves no open file
                    os.close(descriptor)
                    descriptor = -1
                    os.replace(part, path)
            finally:
                part.unlink(missing_ok=True)
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _reserve(self, descriptor: int, file: RemoteFile) -> None:
        """Make room for a file, in the budget and on the disk."""
        with self._locked():
            self._make_room(file)
            while True:
                try:
                    _allocate(descriptor, file.size)
                    return
                except OSError as error:
                    if error.errno != errno.ENOSPC or not self._evict_one():
                        raise _explained(error, file, self.folder) from error

    def _fill(self, descriptor: int, file: RemoteFile) -> None:
        """Write the content; try again if the connection breaks."""

        def fill() -> None:
            os.lseek(descriptor, 0, os.SEEK_SET)
            for block in file.check(file.blocks()):
                _write(descriptor, block)
            os.fsync(descriptor)

        try:
            retried(fill, file.address)
        except DataError:
            raise
        except FileNotFoundError as error:
            raise DataError(
                "A shard is not there any more, or never was", where=file.address
            ) from error
        except Exception as error:  # each kind of storage has its own
            raise _explained(error, file, self.folder) from error

    def _make_room(self, file: RemoteFile) -> None:
        """Remove copies until a file fits into the budget."""
        if file.size > self.budget:
            raise ConfigError(
                "A shard is larger than the cache",
                expected=f"a cache of {file.size} bytes or more",
                received=f"cache_size of {self.budget} bytes",
                where=file.address,
            )
        while True:
            used = sum(entry.st_size for _, entry in self._files())
            if used + file.size <= self.budget:
                return
            if self._evict_one():
                continue
            if not self._evict_one(is_forced=True):
                raise DataError(
                    "The cache of shards is full of unfinished downloads of other processes",
                    expected=f"a cache of {used + file.size} bytes or more",
                    received=f"cache_size of {self.budget} bytes",
                    where=self.folder,
                    fix="a larger cache_size, or a smaller buffer",
                )
            warn_once(
                _log,
                "the cache of shards in %s is too small for all that read it: copies are removed "
                "while they are read, and use the disk until they are closed. A larger cache_size "
                "than %d bytes, or a smaller buffer, prevents that",
                *(self.folder, self.budget),
            )

    def _evict_one(self, is_forced: bool = False) -> bool:
        """Remove what a dead process left, else the least recently used file; False if none.

        Args:
            is_forced: remove a complete file that is being read: its readers have it open.
        """
        files = sorted(
            self._files(), key=lambda entry: (entry[0].suffix != PART, entry[1].st_mtime_ns)
        )
        return any(
            remove_unused(path, is_forced and path.suffix != PART)
            for path, entry in files
            if entry.st_size
        )

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with suppress(OSError):
                    path = Path(folder) / name
                    if name != _LOCK:
                        yield path, os.stat(path)

    def _has_locks(self) -> bool:
        """Whether the system and the file system of the folder have locks of files."""
        descriptor = os.open(self.folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            lock_file(descriptor)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the folder among all threads and processes."""
        descriptor = os.open(self.folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            with suppress(OSError):  # a system without locks
                lock_file(descriptor, wait=True)
            yield
        finally:
            os.close(descriptor)


def _allocate(descriptor: int, size: int) -> None:
    """Reserve the blocks of a file on the disk, where the system can."""
    if hasattr(os, "posix_fallocate") and size:
        try:
            os.posix_fallocate(descriptor, 0, size)
            return
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise
    os.ftruncate(descriptor, size)


def _write(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def _explained(error: Exception, file: RemoteFile, folder: Path) -> DataError:
    """The error of a download that failed."""
    if is_full(error):
        return DataError(
            "The disk of the cache of shards is full",
            expected=f"{file.size} bytes more",
            where=f"{folder}, for {file.address}",
            fix="free some space, a smaller cache_size, or another folder: cache=FOLDER",
        )
    return DataError(
        f"A shard cannot be downloaded: {type(error).__name__}: {error}", where=file.address
    )
