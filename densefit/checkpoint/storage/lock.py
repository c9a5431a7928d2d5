"""Locks on files and directories, which the system releases when the process ends."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 60.0  # seconds; blocks under `exclusive` take milliseconds
_DAY = 86400.0


def take(descriptor: int) -> int:
    """Lock a newly created file or directory; returns its descriptor, for `release`."""
    with suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file; returns whether it was free, None on a file system without locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True


def release(descriptor: int) -> None:
    """Unlock and close a file, also on behalf of child processes that inherited the lock."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def is_held(path: Path) -> bool:
    """Return whether a living process, this one included, holds a lock on `path`.

    On a file system without locks, a file modified within a day counts as locked.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return True  # the owner has just renamed or removed the file
    except OSError:
        return False  # a link, or another user's file
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR):
                    break  # a file system without locks
            time.sleep(0.01)
        yield
    finally:
        release(descriptor)
