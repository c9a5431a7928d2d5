"""Files of a cache, which are locked while a process has them open."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from densefit.process.system_calls import lock_file

#: Yields the content of a remote file in blocks.
Blocks = Callable[[], Iterable[bytes]]


class LocalCopy:
    """A file of the cache, which is locked until it is released.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor

    def release(self) -> None:
        """Allow the cache to remove the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.release()


@dataclass(frozen=True)
class RemoteFile:
    """A file to be copied.

    Attributes:
        name: of the copy, relative to the cache's folder.
        address: of the file, for errors.
        size: in bytes.
        check: raises DataError unless the blocks that it passes through are the whole file.
        blocks: yields its content in blocks.
    """

    name: str
    address: str
    size: int
    check: Callable[[Iterable[bytes]], Iterator[bytes]]
    blocks: Blocks


def open_copy(path: Path, size: int) -> LocalCopy | None:
    """Open a complete copy, and mark it as used; None if there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    copy = LocalCopy(path, descriptor)
    with suppress(OSError):  # a system without locks
        lock_file(descriptor, wait=True, shared=True)
    if not is_at(descriptor, path):  # it was removed before it was locked
        return None
    if os.fstat(descriptor).st_size != size:
        path.unlink(missing_ok=True)
        return None
    with suppress(OSError):
        os.utime(path)
    return copy


def is_at(descriptor: int, path: Path) -> bool:
    """Whether a path leads to an open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def is_unused(descriptor: int) -> bool:
    """Lock an open file, unless another descriptor has a lock on it."""
    try:
        lock_file(descriptor)
    except BlockingIOError:
        return False
    except OSError:  # a system without locks
        return True
    return True


def remove_unused(path: Path, is_forced: bool = False) -> bool:
    """Remove a file that no process has locked, or any if forced; False if that fails."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        if not is_unused(descriptor) and not is_forced:
            return False
        with suppress(PermissionError):  # Windows removes no open file
            path.unlink()
    except OSError:
        return False
    finally:
        os.close(descriptor)
    with suppress(OSError):
        path.unlink(missing_ok=True)
    return not path.exists()
