"""Atomic replacement of directories and files: the new version is complete, or the old one stays.

A directory is filled under a temporary name, flushed to the disk, and renamed. If the process or
the machine dies, the former version still exists under one of these names:

    .tmp-<name>-<pid>-<random>   being filled or removed
    .old-<name>                  the former <name>, for the moment in which the new one is renamed
                                 into place; if <name> itself is missing, this is <name>

The writer of a directory holds a lock on it, which the system releases when the process dies. The
next write removes `.tmp-` directories that nobody has locked. Renames are serialized by a lock on
the parent directory, so several threads and processes may write there.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from densefit.checkpoint.storage import lock
from densefit.errors import writing
from densefit.process.system_calls import open_directory

_OLD, _TEMPORARY = ".old-", ".tmp-"
_LEFT_OVER = re.compile(r"\.tmp-(.+?)-\d+(-[0-9a-f]{8})?")


def entries(parent: Path) -> dict[str, Path]:
    """Return the complete directories in `parent`: name -> present path."""
    directories: dict[str, Path] = {}
    if parent.is_dir():
        for path in sorted(parent.iterdir()):  # ".old-x" comes before "x", which then wins
            name = path.name[len(_OLD) :] if path.name.startswith(_OLD) else path.name
            if not name.startswith(".") and path.is_dir():
                directories[name] = path
    return directories


@contextmanager
def replacing(parent: Path, name: str) -> Iterator[Path]:
    """Yield an empty directory to fill, which replaces `parent/name` if the block succeeds.

    Raises:
        OSError: the disk refuses; the former directory stays.
    """
    target = parent / name
    make_directory(parent)
    if os.path.lexists(target) and (target.is_symlink() or not target.is_dir()):
        raise NotADirectoryError(errno.ENOTDIR, "there is something else of that name", str(target))
    with lock.exclusive(parent):
        _tidy(parent)
        temporary, descriptor = _begin(target)
    try:
        yield temporary
        _sync(temporary)
        with lock.exclusive(parent):
            _exchange(temporary, target)
    finally:
        _discard(temporary)
        lock.release(descriptor)


def replace_file(path: Path, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
    """Write the file `path` atomically.

    Raises:
        OSError: the disk refuses; the former file stays.
    """
    make_directory(path.parent)
    with lock.exclusive(path.parent):
        _tidy(path.parent, only=path.name)
        temporary = _temporary(path)
        descriptor = lock.take(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
    try:
        with writing(path):
            write_file(temporary, pieces)
            os.replace(temporary, path)
            _sync(path.parent)
    finally:
        _discard(temporary)
        lock.release(descriptor)


def write_file(path: Path, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
    """Write a file and flush it to the disk (fsync)."""
    with open(path, "wb") as stream:
        for piece in pieces:
            stream.write(piece)
        stream.flush()
        os.fsync(stream.fileno())


def remove(target: Path) -> None:
    """Remove the directory `target` atomically, if it exists."""
    if not target.parent.is_dir():
        return
    with lock.exclusive(target.parent):
        _tidy(target.parent)
        if os.path.lexists(target):
            temporary = _temporary(target)
            os.rename(target, temporary)
            _sync(target.parent)
            _discard(temporary)


def make_directory(path: Path) -> None:
    """Make a directory and its parents, and flush their entries to the disk."""
    missing = [path] if not path.exists() else []
    while missing and not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, "it is not a directory", str(path)) from error
    for directory in missing:
        _sync(directory.parent)


def _exchange(temporary: Path, target: Path) -> None:
    """Rename `temporary` to `target` and remove the former `target`; undo both on failure."""
    old = target.parent / f"{_OLD}{target.name}"
    try:
        if target.exists():
            os.rename(target, old)
        os.rename(temporary, target)
        _sync(target.parent)
    except BaseException:
        if not temporary.exists():
            os.rename(target, temporary)
        if old.exists() and not target.exists():
            os.rename(old, target)
        raise
    _discard(old)


def _begin(target: Path) -> tuple[Path, int | None]:
    """Make a new temporary directory; returns its path and the descriptor of its lock."""
    temporary = _temporary(target)
    temporary.mkdir()
    return temporary, lock.take(open_directory(temporary))


def _temporary(target: Path) -> Path:
    return target.parent / f"{_TEMPORARY}{target.name}-{os.getpid()}-{secrets.token_hex(4)}"


def _tidy(parent: Path, only: str | None = None) -> None:
    """Undo or finish writes that a dead process left incomplete.

    Args:
        parent: directory to clean up.
        only: name whose temporary files are removed; None for all names, in a directory that
            holds nothing but this module's output.
    """
    for path in list(parent.iterdir()):
        match = _LEFT_OVER.fullmatch(path.name)
        if match and only in (None, match[1]):
            if not lock.is_held(path):
                _discard(path)
        elif only is None and path.name.startswith(_OLD) and path.is_dir():
            name = parent / path.name[len(_OLD) :]
            if name.exists():
                _discard(path)
            else:
                os.rename(path, name)


def _discard(path: Path) -> None:
    """Remove a file or directory, ignoring errors; the next write removes the rest."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _sync(directory: Path) -> None:
    """Flush the entries of `directory` to the disk."""
    descriptor = open_directory(directory)
    if descriptor is None:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # no fsync of directories
            raise
    finally:
        os.close(descriptor)
