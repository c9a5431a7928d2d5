"""Locks on files and directories that end with the process, however that ends."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 60.0  # seconds; what is done under `held` takes milliseconds
_DAY = 86400.0


def take(descriptor: int) -> int:
    """Lock an open file or directory that nobody else knows of yet; returns it, for `release`."""
    with suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file; whether it was free, None for a file system without locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True


def release(descriptor: int) -> None:
    """Unlock and close, also for child processes that inherited the lock."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a living process, this one too, holds a lock on `path`.

    Where the file system has no locks, what was touched within a day counts as held.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return True  # its owner has just renamed or removed it
    except OSError:
        return False  # a link, or no file or directory of ours
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
def held(directory: Path) -> Iterator[None]:
    """Let others who ask for the same `directory` wait until the block is done.

    Nobody waits longer than `PATIENCE`, for a process that was stopped while it held the lock.
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
