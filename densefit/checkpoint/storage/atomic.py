"""Directories and files that are replaced in one step: complete, or as they were before.

A directory is filled beside its place, flushed to the disk, and renamed into place. Whenever the
process or the machine dies, what was there before is still there, under one of these names:

    .tmp-<name>-<pid>-<random>   being filled or removed
    .old-<name>                  the former <name>, for the moment in which the new one is renamed
                                 into place; if <name> itself is missing, this is <name>

Whoever fills a directory holds a lock on it, which the system takes away when the process dies, in
whichever way. So the next write knows which of the first kind are left over, and removes them.
Steps that change names take turns by a lock on the parent directory, so that several threads and
processes may write there.
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

_OLD, _TEMPORARY = ".old-", ".tmp-"
_LEFT_OVER = re.compile(r"\.tmp-(.+?)-\d+(-[0-9a-f]{8})?")


def entries(parent: Path) -> dict[str, Path]:
    """The complete directories in `parent` by name, with the place where each lies now."""
    found: dict[str, Path] = {}
    if parent.is_dir():
        for path in sorted(parent.iterdir()):  # ".old-x" comes before "x", which then wins
            name = path.name[len(_OLD) :] if path.name.startswith(_OLD) else path.name
            if not name.startswith(".") and path.is_dir():
                found[name] = path
    return found


@contextmanager
def replacing(parent: Path, name: str) -> Iterator[Path]:
    """An empty directory to fill, which takes the place of `parent/name` if all goes well.

    Raises:
        OSError: the disk refuses; what was there stays.
    """
    target = parent / name
    make_directory(parent)
    if os.path.lexists(target) and (target.is_symlink() or not target.is_dir()):
        raise NotADirectoryError(errno.ENOTDIR, "there is something else of that name", str(target))
    with lock.held(parent):
        _tidy(parent)
        temporary, held = _begin(target)
    try:
        yield temporary
        _sync(temporary)
        with lock.held(parent):
            _exchange(temporary, target)
    finally:
        _discard(temporary)
        lock.release(held)


def replace_file(path: Path, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
    """Write the file `path` in one step.

    Raises:
        OSError: the disk refuses; what was there stays.
    """
    make_directory(path.parent)
    with lock.held(path.parent):
        _tidy(path.parent, only=path.name)
        temporary = _temporary(path)
        held = lock.take(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
    try:
        with writing(path):
            write_file(temporary, pieces)
            os.rename(temporary, path)
            _sync(path.parent)
    finally:
        _discard(temporary)
        lock.release(held)


def write_file(path: Path, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
    """Write a file, and see it safe on the disk."""
    with open(path, "wb") as stream:
        for piece in pieces:
            stream.write(piece)
        stream.flush()
        os.fsync(stream.fileno())


def remove(target: Path) -> None:
    """Remove the directory `target`, if it is there; never half of it."""
    if not target.parent.is_dir():
        return
    with lock.held(target.parent):
        _tidy(target.parent)
        if os.path.lexists(target):
            temporary = _temporary(target)
            os.rename(target, temporary)
            _sync(target.parent)
            _discard(temporary)


def make_directory(path: Path) -> None:
    """Make a directory and those above it, so that it survives a loss of power."""
    missing = [path] if not path.exists() else []
    while missing and not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, "it is not a directory", str(path)) from error
    for made in missing:
        _sync(made.parent)


def _exchange(temporary: Path, target: Path) -> None:
    """Rename `temporary` to `target`, and remove what was there; all is undone if it fails."""
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


def _begin(target: Path) -> tuple[Path, int]:
    """A new directory to fill, and the lock on it."""
    temporary = _temporary(target)
    temporary.mkdir()
    return temporary, lock.take(os.open(temporary, os.O_RDONLY))


def _temporary(target: Path) -> Path:
    return target.parent / f"{_TEMPORARY}{target.name}-{os.getpid()}-{secrets.token_hex(4)}"


def _tidy(parent: Path, only: str | None = None) -> None:
    """Undo or finish what was left half done by a process that is dead.

    Args:
        parent: of what is looked at.
        only: files and directories that were to become this name; else all, for a directory that
            holds nothing but what is written here.
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
    """Remove a file or directory, as far as that can be done; what stays is left over."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _sync(directory: Path) -> None:
    """Make the names in `directory` survive a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that cannot
            raise
    finally:
        os.close(descriptor)
