"""Whether a disk has room for what is about to be written, and what it says when it has not."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from densefit.errors import CheckpointError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def needed(sizes: Sequence[int], block: int = 4096) -> int:
    """Bytes that files of these sizes take on a disk, with a directory around them.

    >>> needed([1, 4096, 5000])
    20480
    """
    return block * (1 + sum(-(-size // block) for size in sizes))


def free(directory: Path) -> int:
    """Bytes that this user may still write where `directory` is, or will be.

    A quota that is less shows only when it is reached.

    Raises:
        OSError: the disk cannot be asked.
    """
    state = os.statvfs(_existing(directory))
    return state.f_bavail * state.f_frsize


def check_room(directory: Path, sizes: Sequence[int]) -> None:
    """Whether files of these sizes can be written into a new directory in `directory`.

    Raises:
        CheckpointError: they cannot; says how much is needed and how much is free.
        OSError: the disk cannot be asked.
    """
    state = os.statvfs(_existing(directory))
    available = state.f_bavail * state.f_frsize
    bytes_needed = needed(sizes, state.f_frsize or 4096)
    if state.f_blocks and bytes_needed > available:  # 0: a disk that does not say
        raise CheckpointError(
            "The disk has no room for the checkpoint",
            expected=f"{amount(bytes_needed)} free",
            received=f"{amount(available)} free",
            where=directory,
            fix="make room; nothing was written, and earlier checkpoints are untouched",
        )
    if state.f_files and state.f_favail < len(sizes) + 1:
        raise CheckpointError(
            "The disk has no room for the checkpoint's files, however small",
            expected=f"{len(sizes) + 1} free inodes",
            received=f"{state.f_favail} free inodes",
            where=directory,
            fix="remove files; nothing was written, and earlier checkpoints are untouched",
        )


def refused(path: Path, error: OSError, sizes: Sequence[int] = ()) -> CheckpointError:
    """What to raise when the disk has refused to write `path`, of files of these sizes."""
    fix = "see to the disk and its permissions"
    expected = received = None
    if error.errno in _FULL and sizes:
        quota = " (the quota may be less)" if error.errno == errno.EDQUOT else ""
        expected = f"{amount(needed(sizes))} free"
        try:
            received = f"{amount(free(path.parent))} free{quota}"
        except OSError:
            received = None  # a disk that is gone
        fix = "make room"
    return CheckpointError(
        f"The checkpoint cannot be written: {error}",
        expected=expected,
        received=received,
        where=path,
        fix=f"{fix}; earlier checkpoints are untouched",
    )


def amount(size: int) -> str:
    """Bytes as people say them.

    >>> amount(512), amount(3_000_000)
    ('512 bytes', '3,000,000 bytes (3.0 MB)')
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if size >= factor:
            return f"{size:,} bytes ({size / factor:.1f} {unit})"
    return f"{size:,} bytes"


def _existing(directory: Path) -> Path:
    """`directory`, or the first above it that is there."""
    place = directory.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place
