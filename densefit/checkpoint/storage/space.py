"""Check of a disk's free space before a checkpoint is written, and errors of a full disk."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

from densefit.errors import CheckpointError
from densefit.process.system_calls import disk_of

_QUOTA = getattr(errno, "EDQUOT", errno.ENOSPC)  # Windows has none
_FULL = (errno.ENOSPC, _QUOTA)


def needed(sizes: Sequence[int], block: int = 4096) -> int:
    """Return the bytes that a directory with files of these sizes occupies on a disk.

    >>> needed([1, 4096, 5000])
    20480
    """
    return block * (1 + sum(-(-size // block) for size in sizes))


def free(directory: Path) -> int:
    """Return the bytes that this user may still write to the disk of `directory`.

    A smaller quota is seen only when it is reached.

    Raises:
        OSError: the disk cannot be queried.
    """
    return disk_of(_existing(directory)).free


def check_room(directory: Path, sizes: Sequence[int]) -> None:
    """Check that a new directory with files of these sizes fits into `directory`.

    Raises:
        CheckpointError: the disk has too little room; names the needed and the free bytes.
        OSError: the disk cannot be queried.
    """
    disk = disk_of(_existing(directory))
    available = disk.free
    bytes_needed = needed(sizes, disk.block)
    if disk.has_size and bytes_needed > available:  # 0: the disk does not report its size
        raise CheckpointError(
            "The disk has no room for the checkpoint",
            expected=f"{amount(bytes_needed)} free",
            received=f"{amount(available)} free",
            where=directory,
            fix="make room; nothing was written, and earlier checkpoints are untouched",
        )
    if disk.inodes is not None and disk.inodes < len(sizes) + 1:
        raise CheckpointError(
            "The disk has no room for the checkpoint's files, however small",
            expected=f"{len(sizes) + 1} free inodes",
            received=f"{disk.inodes} free inodes",
            where=directory,
            fix="remove files; nothing was written, and earlier checkpoints are untouched",
        )


def refused(path: Path, error: OSError, sizes: Sequence[int] = ()) -> CheckpointError:
    """Return the error for a write of `path`, with files of these sizes, that the disk refused."""
    fix = "see to the disk and its permissions"
    expected = received = None
    if error.errno in _FULL and sizes:
        quota = " (the quota may be less)" if error.errno == _QUOTA != errno.ENOSPC else ""
        expected = f"{amount(needed(sizes))} free"
        try:
            received = f"{amount(free(path.parent))} free{quota}"
        except OSError:
            received = None  # the disk is gone
        fix = "make room"
    return CheckpointError(
        f"The checkpoint cannot be written: {error}",
        expected=expected,
        received=received,
        where=path,
        fix=f"{fix}; earlier checkpoints are untouched",
    )


def amount(size: int) -> str:
    """Format a number of bytes for people.

    >>> amount(512), amount(3_000_000)
    ('512 bytes', '3,000,000 bytes (3.0 MB)')
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if size >= factor:
            return f"{size:,} bytes ({size / factor:.1f} {unit})"
    return f"{size:,} bytes"


def _existing(directory: Path) -> Path:
    """Return `directory`, or its nearest parent that exists."""
    path = directory.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
