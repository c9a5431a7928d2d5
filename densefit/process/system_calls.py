"""System calls of POSIX, and what takes their place where the system has them not.

On Windows there are no locks of `fcntl`, no reads at a position and no descriptors of directories;
some disks have no hard links.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
from multiprocessing import reduction
from pathlib import Path
from typing import Any, NamedTuple

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: Flags to open a plain file: not a link, and without waiting for the writer of a pipe.
PLAIN = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)  # Windows converts line ends without it
)
_POSITION = threading.Lock()


def lock_file(descriptor: int, wait: bool = False, shared: bool = False) -> None:
    """Lock an open file or directory for this process.

    Args:
        descriptor: the open file.
        wait: whether to wait until it is free.
        shared: whether other processes may have a shared lock, too.

    Raises:
        BlockingIOError: another process has locked it.
        OSError: with ENOLCK where the system or the file system has no locks.
    """
    if fcntl is None:
        raise OSError(errno.ENOLCK, "the system has no locks of files")
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    fcntl.flock(descriptor, kind | (0 if wait else fcntl.LOCK_NB))


def unlock_file(descriptor: int) -> None:
    """Unlock what `lock_file` locked.

    Raises:
        OSError: as `lock_file`.
    """
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def open_directory(path: Path) -> int | None:
    """Open a directory, to lock it or to flush its entries; None where the system opens none.

    Raises:
        OSError: there is no such directory.
    """
    try:
        return os.open(path, os.O_RDONLY)
    except PermissionError:
        if fcntl is not None or not path.is_dir():
            raise
        return None


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """Read up to `size` bytes at a position of an open file; several threads may.

    Raises:
        OSError: the disk refuses.
    """
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, offset)
    with _POSITION:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)


def can_share_memory() -> bool:
    """Whether memory can be passed to a new process as the descriptor of a file without a name."""
    return hasattr(reduction, "DupFd") and hasattr(os, "pread") and hasattr(os, "pwrite")


class Disk(NamedTuple):
    """Free space of a disk.

    Attributes:
        free: bytes that this user may write.
        block: bytes of a block.
        inodes: number of further files; None where files are not counted.
        has_size: whether the disk reports its size.
    """

    free: int
    block: int
    inodes: int | None
    has_size: bool


def disk_of(directory: Path) -> Disk:
    """Query the disk of an existing directory.

    Raises:
        OSError: it cannot be queried.
    """
    if hasattr(os, "statvfs"):
        state = os.statvfs(directory)
        inodes = state.f_favail if state.f_files else None
        return Disk(
            state.f_bavail * state.f_frsize, state.f_frsize or 4096, inodes, bool(state.f_blocks)
        )
    usage = shutil.disk_usage(directory)
    return Disk(usage.free, 4096, None, bool(usage.total))


def total_memory() -> int:
    """Bytes of memory of the machine; 64 GiB where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 64 * 2**30


def peak_memory() -> int | None:
    """Largest number of bytes that the process had in memory; None where the system tells none."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak: Any = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) * (1 if sys.platform == "darwin" else 1024)
