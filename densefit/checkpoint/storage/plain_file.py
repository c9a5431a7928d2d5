"""Reads plain files, damaged or hostile as they may be: no link, no pipe, and nothing endless."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from densefit.errors import CheckpointError


def damaged(path: Path, how: str) -> CheckpointError:
    """What to raise for a file of a checkpoint."""
    return CheckpointError(f"The checkpoint is damaged: {how}", where=path)


def check_size(path: Path, size: int) -> None:
    """Whether a plain file is there, of `size` bytes.

    Raises:
        CheckpointError: it is not.
    """
    os.close(_open(path, size)[0])


def read(path: Path, size: int | None = None, most: int | None = None) -> bytearray:
    """All bytes of a plain file.

    Args:
        path: of the file; a link is none.
        size: that it must have, if that is known.
        most: bytes that it may have; by default, what this machine's memory holds.

    Raises:
        CheckpointError: it cannot be read, is not of `size` bytes, or has more than `most`.
    """
    descriptor, size = _open(path, size)
    with open(descriptor, "rb", buffering=0) as stream:
        if size > (_memory() if most is None else most):
            raise damaged(path, f"{size:,} bytes are too many")
        try:
            data = bytearray(size)
            view, count = memoryview(data), 0
            while count < size:
                step = stream.readinto(view[count:])
                if not step:
                    raise damaged(path, f"it ends after {count} of {size} bytes")
                count += step
        except (OSError, MemoryError) as error:
            raise damaged(path, f"the file cannot be read: {error or 'no memory'}") from error
    return data


def _memory() -> int:
    """Bytes of this machine's memory. (A file without blocks on the disk may say any size.)"""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _open(path: Path, size: int | None) -> tuple[int, int]:
    """(descriptor, size) of a plain file, of `size` if that is known; never of a link.

    Raises:
        CheckpointError: there is none.
    """
    try:
        # Not waiting: opening a pipe would, for somebody who writes into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise damaged(path, "the file is missing") from error
    except (OSError, ValueError) as error:
        raise damaged(path, f"the file cannot be read: {error}") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or size not in (None, found.st_size):
        os.close(descriptor)
        plain = stat.S_ISREG(found.st_mode)
        raise damaged(path, f"{found.st_size} bytes instead of {size}" if plain else "not a file")
    return descriptor, found.st_size
