"""Reading of plain files that may be damaged or hostile: no links, no pipes, bounded memory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from densefit.errors import CheckpointError
from densefit.process.system_calls import PLAIN, total_memory


def damaged(path: Path, how: str) -> CheckpointError:
    """Return the error for a damaged file of a checkpoint."""
    return CheckpointError(f"The checkpoint is damaged: {how}", where=path)


def check_size(path: Path, size: int) -> None:
    """Check that a plain file of `size` bytes exists.

    Raises:
        CheckpointError: there is no such file.
    """
    os.close(_open(path, size)[0])


def read(path: Path, size: int | None = None, most: int | None = None) -> bytearray:
    """Read all bytes of a plain file.

    Args:
        path: path of the file; links are refused.
        size: required size in bytes; None for any.
        most: largest size in bytes; by default, this machine's memory.

    Raises:
        CheckpointError: the file cannot be read, is not of `size` bytes, or has more than `most`.
    """
    descriptor, size = _open(path, size)
    with open(descriptor, "rb", buffering=0) as stream:
        if size > (total_memory() if most is None else most):
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


def _open(path: Path, size: int | None) -> tuple[int, int]:
    """Open a plain file, not a link; returns (descriptor, size).

    Raises:
        CheckpointError: there is no such file, or not of `size` bytes.
    """
    try:
        # O_NONBLOCK: opening a pipe would otherwise block until it has a writer.
        descriptor = os.open(path, os.O_RDONLY | PLAIN)
    except FileNotFoundError as error:
        raise damaged(path, "the file is missing") from error
    except (OSError, ValueError) as error:
        raise damaged(path, f"the file cannot be read: {error}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or size not in (None, status.st_size):
        os.close(descriptor)
        plain = stat.S_ISREG(status.st_mode)
        raise damaged(path, f"{status.st_size} bytes instead of {size}" if plain else "not a file")
    return descriptor, status.st_size
