"""Locks on files and directories, which the system releases when the process ends."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from densefit.process.system_calls import PLAIN, lock_file, open_directory, unlock_file

PATIENCE = 60.0  # seconds; blocks under `exclusive` take milliseconds
_DAY = 86400.0


def take(descriptor: int | None) -> int | None:
    """Lock a newly created file or directory; returns its descriptor, for `release`."""
    if descriptor is not None:
        with suppress(OSError):  # a file system without locks
            lock_file(descriptor)
    return descriptor


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file; returns whether it was free, None on a file system without locks."""
    try:
        lock_file(descriptor)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True


def release(descriptor: int | None) -> None:
    """Unlock and close a file, also on behalf of child processes that inherited the lock."""
    if descriptor is None:
        return
    with suppress(OSError):
        unlock_file(descriptor)
    os.close(descriptor)


def is_held(path: Path) -> bool:
    """Return whether a living process, this one included, holds a lock on `path`.

    On a file system without locks, a file modified within a day counts as locked.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | PLAIN)
    except FileNotFoundError:
        return True  # the owner has just renamed or removed the file
    except OSError:
        return False  # a link, or another user's file
    try:
        lock_file(descriptor)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return True
        return time.time() - os.fstat(descriptor).st_mtime < _DAY
    finally:
        os.close(descriptor)
    return False


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Hold an exclusive lock on `directory` during the block.

    Waits at most `PATIENCE` seconds, in case a process was stopped while it held the lock.
    """
    descriptor = open_directory(directory)
    try:
        limit = time.monotonic() + PATIENCE
        while descriptor is not None and time.monotonic() < limit:
            try:
                lock_file(descriptor)
                break
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR):
                    break  # a file system without locks
            time.sleep(0.01)
        yield
    finally:
        release(descriptor)
