"""Checkpoints on disk: directories that are written atomically.

A checkpoint is a directory of `<part>.safetensors` (named arrays), `state.json` (everything else)
and `manifest.json` (size and SHA-256 of each file, and a serial number).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.checkpoint.storage import atomic, manifest, space, strict_json, tensors
from densefit.checkpoint.storage.content import STATE, SUFFIX, Content, check_name, fill, prepare
from densefit.checkpoint.storage.manifest import Manifest
from densefit.checkpoint.storage.plain_file import damaged
from densefit.checkpoint.storage.tensors import Arrays
from densefit.errors import CheckpointError

MANIFEST = manifest.FILE
BEST = "best"  #: name of the checkpoint with the best score

_log = logging.getLogger("densefit")


def write(directory: Path, name: str, parts: Mapping[str, Arrays], state: Any) -> Path:
    """Write the checkpoint `directory/name` atomically, replacing a former one of that name.

    Args:
        directory: directory of checkpoints; created if missing.
        name: letters, digits, "_", "-" and ".".
        parts: named arrays by part, e.g. {"model": {...}, "optimizer": {...}}; dtypes are kept.
        state: a value that `strict_json` can write.

    Returns:
        The path of the checkpoint.

    Raises:
        CheckpointError: a value cannot be stored, or the disk has no room or refuses; a former
            checkpoint stays.
    """
    check_name(name)
    return write_content(directory, name, prepare(parts, state))


def write_content(directory: Path, name: str, content: Content) -> Path:
    """Write the content that `prepare` returned; its arrays must not change meanwhile."""
    path = Path(directory) / check_name(name)
    sizes = [*content.sizes, 4096]  # and the manifest
    try:
        space.check_room(path.parent, sizes)
        with atomic.replacing(path.parent, name) as temporary:
            serials = [_serial(location) for location in names(path.parent).values()]
            written = Manifest(1 + max(serials, default=0), fill(temporary, content))
            atomic.write_file(temporary / MANIFEST, [written.dumps()])
    except OSError as error:
        raise space.refused(path, error, sizes) from error
    return path


def link(path: Path, name: str) -> Path:
    """Give the checkpoint at `path` a second `name` in the same directory, atomically.

    The second checkpoint is a separate directory: of hard links where the file system has them,
    else of copies. Removing either leaves the other.

    Raises:
        CheckpointError: there is no checkpoint at `path`, it is damaged, or the disk refuses.
    """
    path = Path(path)
    source = Manifest.read(_location(path))
    sizes = [size for size, _ in source.files.values()]
    try:
        with atomic.replacing(path.parent, check_name(name)) as temporary:
            location = _location(path)  # an interrupted rename is finished by now
            for file in source.files:
                source.check_size(location, file)
                try:
                    os.link(location / file, temporary / file)
                except (OSError, AttributeError, NotImplementedError):  # no hard links
                    atomic.write_file(temporary / file, [source.content(location, file)])
            atomic.write_file(temporary / MANIFEST, [source.dumps()])
    except OSError as error:
        raise space.refused(path.parent / name, error, sizes) from error
    return path.parent / name


def read(
    path: Path, only: Sequence[str] | None = None
) -> tuple[dict[str, dict[str, np.ndarray]], Any]:
    """Read the parts and the state of a checkpoint; each file is checked by its SHA-256.

    Args:
        path: path that `write`, `latest` or `resolve` returned.
        only: parts to read (the state is always read); None for all.

    Raises:
        CheckpointError: the checkpoint is missing or damaged; names the file.
    """
    location = _location(Path(path))
    try:
        contents = Manifest.read(location)
        stored = [file[: -len(SUFFIX)] for file in contents.files if file.endswith(SUFFIX)]
        requested = stored if only is None else list(only)
        for part in requested:
            if part not in stored:
                raise CheckpointError(
                    f"The checkpoint has no part {part!r}",
                    expected=stored,
                    where=location,
                    fix="it was written by a training without it",
                )
        state = _state(location, contents)
        return {part: _arrays(location, contents, f"{part}{SUFFIX}") for part in requested}, state
    except CheckpointError as error:
        if error.fix is not None:
            raise
        alternatives = ", ".join(
            name for name in _names_beside(location) if name != Path(path).name
        )
        raise CheckpointError(
            error.what,
            expected=error.expected,
            received=error.received,
            where=error.where,
            fix=f"use another one beside it: {alternatives or 'there is none'}",
        ) from error


def names(directory: Path) -> dict[str, Path]:
    """Return the checkpoints in `directory`, complete or damaged: name -> present path.

    Raises:
        CheckpointError: the directory cannot be read.
    """
    try:
        return {
            name: location
            for name, location in atomic.entries(Path(directory)).items()
            if _is_checkpoint(location)
        }
    except OSError as error:
        raise CheckpointError(f"Checkpoints cannot be read: {error}", where=directory) from error


def is_whole(location: Path) -> bool:
    """Return whether all files of a checkpoint have their recorded size; else log a warning.

    Quick: the files' content is checked when they are read.

    Args:
        location: present path of the checkpoint, see `names`.
    """
    try:
        contents = Manifest.read(location)
        for file in contents.files:
            contents.check_size(location, file)
    except CheckpointError as error:
        _log.warning("%s\n  so:       others stay as they are", error)
        return False
    return True


def latest(directory: Path) -> Path | None:
    """Return the undamaged checkpoint that was written last in `directory`; None if there is none.

    "Last" is the order of writing, not the number in the name: after a rollback the newest
    checkpoint has a smaller number. Damaged checkpoints, by the SHA-256 of all files, are skipped
    with a warning.

    Raises:
        CheckpointError: all checkpoints in the directory are damaged.
    """
    directory = Path(directory)
    readable: list[tuple[int, str, Path, Manifest]] = []
    damage: list[CheckpointError] = []
    for name, location in names(directory).items():
        try:
            contents = Manifest.read(location)
            readable.append((contents.serial, name, location, contents))
        except CheckpointError as error:
            damage.append(error)
    good = None
    for _, name, location, contents in sorted(readable, key=lambda entry: entry[:2], reverse=True):
        try:
            contents.verify(location)
            good = directory / name  # equal serials are links to the same checkpoint
            break
        except CheckpointError as error:
            damage.append(error)
    for problem in damage:
        _log.warning("%s\n  instead:  %s", problem, good or "there is no good one")
    if good is None and damage:
        raise damage[-1]
    return good


def best(path: Path) -> Path | None:
    """The best checkpoint of a run or of a folder of checkpoints; None if there is none."""
    folders = (path / "checkpoints", path)
    return next((each / BEST for each in folders if BEST in names(each)), None)


def resolve(what: str | Path | None, directory: Path) -> Path | None:
    """Return the path of the checkpoint to resume from; None for none.

    Args:
        what: "auto" (the latest undamaged checkpoint in `directory`, if any), "none" or None, or
            the path of a checkpoint, of a directory of checkpoints, or of a run with a
            `checkpoints` directory.
        directory: directory into which the training writes checkpoints.

    Raises:
        CheckpointError: there is no checkpoint at the path.
    """
    if what is None or what == "none":
        return None
    if what == "auto":
        return latest(directory)
    path = Path(what)
    if path.name in names(path.parent):
        return path
    checkpoint = latest(path) or latest(path / "checkpoints")
    if checkpoint is None:
        raise _missing(path)
    return checkpoint


def remove(path: Path) -> None:
    """Remove the checkpoint at `path`, if it exists.

    Raises:
        CheckpointError: the disk refuses.
    """
    try:
        atomic.remove(Path(path))
    except OSError as error:
        raise CheckpointError(f"The checkpoint cannot be removed: {error}", where=path) from error


def _arrays(location: Path, contents: Manifest, file: str) -> dict[str, np.ndarray]:
    try:
        return tensors.load(contents.content(location, file))
    except ValueError as error:
        raise damaged(location / file, f"it is not safetensors: {error}") from error


def _state(location: Path, contents: Manifest) -> Any:
    try:
        return strict_json.loads(bytes(contents.content(location, STATE)))
    except CheckpointError as error:
        if error.where is not None:
            raise
        raise damaged(location / STATE, error.what) from error


def _is_checkpoint(location: Path) -> bool:
    """Return whether a directory is a checkpoint, complete or damaged."""
    try:
        files = os.listdir(location)
    except OSError:  # just removed
        return False
    return any(file in (MANIFEST, STATE) or file.endswith(SUFFIX) for file in files)


def _location(path: Path) -> Path:
    """Return the present path of the checkpoint named `path`."""
    location = names(path.parent).get(path.name)
    if location is None:
        raise _missing(path)
    return location


def _serial(location: Path) -> int:
    """Return the serial number of a checkpoint; 0 if it is damaged."""
    try:
        return Manifest.read(location).serial
    except CheckpointError:
        return 0


def _names_beside(path: Path) -> list[str]:
    try:
        return list(names(path.parent))
    except CheckpointError:
        return []


def _missing(path: Path) -> CheckpointError:
    beside = ", ".join(_names_beside(path))
    fix = f"beside it are: {beside}" if beside else "is the path right? No checkpoint is beside it"
    return CheckpointError("There is no checkpoint", where=path, fix=fix)
