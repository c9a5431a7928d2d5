"""Directories that are replaced in one step: complete, or as they were before.

A directory is filled beside its place, flushed to the disk, and renamed into place. Whenever the
process or the machine dies, what was there before is still there, under one of these names:

    .tmp-<name>-<pid>   being filled or removed; the next `replacing` clears it away
    .old-<name>         the former <name>, for the moment in which the new one is renamed into
                        place; if <name> itself is missing, this is <name>

One process writes to a parent directory at a time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OLD, _TEMPORARY = ".old-", ".tmp-"


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
    target, old = parent / name, parent / f"{_OLD}{name}"
    temporary = _temporary(target)
    parent.mkdir(parents=True, exist_ok=True)
    _tidy(parent)
    try:
        temporary.mkdir()
        yield temporary
        _sync(temporary)
        if target.exists():
            os.rename(target, old)
        os.rename(temporary, target)
        _sync(parent)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_file(path: Path, data: bytes) -> None:
    """Write a file, and see it safe on the disk."""
    with open(path, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def remove(target: Path) -> None:
    """Remove the directory `target`, if it is there; never half of it."""
    _tidy(target.parent)
    if target.exists():
        temporary = _temporary(target)
        os.rename(target, temporary)
        shutil.rmtree(temporary, ignore_errors=True)


def _temporary(target: Path) -> Path:
    return target.parent / f"{_TEMPORARY}{target.name}-{os.getpid()}"


def _tidy(parent: Path) -> None:
    """Undo or finish what a crash left half done."""
    for path in parent.glob(f"{_OLD}*"):
        name = parent / path.name[len(_OLD) :]
        if name.exists():
            shutil.rmtree(path)
        else:
            os.rename(path, name)
    for path in parent.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(path)


def _sync(directory: Path) -> None:
    """Make the names in `directory` survive a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
