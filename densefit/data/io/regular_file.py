"""Read regular files only: no pipe, no device, and no unbounded file."""

from __future__ import annotations

import os
import stat
from typing import Union

from densefit.errors import DataError

PathLike = Union[str, "os.PathLike[str]"]

# Do not block if a pipe replaces the file between the check and the opening.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"


def open_regular(path: PathLike, what: str = "The file") -> tuple[int, int]:
    """Open a regular file, or a link to one.

    Args:
        path: the file.
        what: start of error messages, e.g. "The file".

    Returns:
        The descriptor, which the caller closes, and the size in bytes.

    Raises:
        DataError: the file is missing, cannot be read, or is a pipe, a device or a folder. These
            are not opened, since that may block for ever or have side effects.
    """
    check_regular(path, what)
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise _unreadable(path, error, what) from error
    status = os.fstat(descriptor)
    try:
        _refuse_others(status.st_mode, path, what)
    except DataError:
        os.close(descriptor)
        raise
    return descriptor, status.st_size


def check_regular(path: PathLike, what: str = "The file") -> None:
    """Raise DataError unless a regular file, or a link to one, is there; see `open_regular`."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise _unreadable(path, error, what) from error
    _refuse_others(mode, path, what)


def read_regular(path: PathLike, most: int, fix: object = None, what: str = "The file") -> bytes:
    """Read a regular file.

    Args:
        path: the file.
        most: largest size in bytes.
        fix: advice for larger files, in the error.
        what: start of error messages, e.g. "The file".

    Raises:
        DataError: see `open_regular`; or the file is larger, shrinks while being read, or is a
            pointer of Git LFS.
    """
    descriptor, size = open_regular(path, what)
    try:
        if size > most:
            raise DataError(
                f"{what} cannot be read: the file is too large",
                expected=f"at most {most:,} bytes",
                received=f"{size:,} bytes",
                where=path,
                fix=fix,
            )
        data = os.read(descriptor, size)
        while len(data) < size:  # one call gives at most 2 GiB
            more = os.read(descriptor, size - len(data))
            if not more:
                break
            data += more
    except OSError as error:
        raise _unreadable(path, error, what) from error
    finally:
        os.close(descriptor)
    if len(data) < size:
        raise DataError(
            f"{what} cannot be read: the file ends too early; is something writing to it?",
            expected=f"{size:,} bytes",
            received=f"{len(data):,} bytes",
            where=path,
        )
    check_no_pointer(data, path, what)
    return data


def check_no_pointer(data: bytes, path: object, what: str) -> None:
    """Raise DataError if a file is a pointer of Git LFS, which a clone without it leaves.

    Args:
        data: the first bytes of the file, or all.
        path: the file.
        what: start of error messages.
    """
    if data.startswith(_POINTER):
        raise DataError(
            f"{what} is not there: in its place is a pointer of Git LFS",
            where=path,
            fix="git lfs pull, in the repository that has the file",
        )


def _unreadable(path: PathLike, error: Exception, what: str) -> DataError:
    reason = getattr(error, "strerror", None) or error
    return DataError(f"{what} cannot be read: {reason}", where=path)


def _refuse_others(mode: int, path: PathLike, what: str) -> None:
    """Raise DataError unless a file mode is that of a regular file."""
    if not stat.S_ISREG(mode):
        raise DataError(
            f"{what} cannot be read: it is no regular file",
            expected="a regular file, or a link to one",
            received=_KINDS.get(stat.S_IFMT(mode), "something else"),
            where=path,
        )
