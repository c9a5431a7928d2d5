"""Checkpoints on disk: directories that are either complete or not there.

A checkpoint is a directory of `<part>.safetensors` (named arrays), `state.json` (everything else)
and `manifest.json` (size and SHA-256 of each file, and the place in the order of writing).
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

_log = logging.getLogger("densefit")


def write(directory: Path, name: str, parts: Mapping[str, Arrays], state: Any) -> Path:
    """Write the checkpoint `directory/name` in one step, replacing one of that name.

    Args:
        directory: made if it is not there.
        name: letters, digits, "_", "-" and ".".
        parts: named arrays by part, e.g. {"model": {...}, "optimizer": {...}}; dtypes are kept.
        state: what `strict_json` can write.

    Returns:
        The path of the checkpoint.

    Raises:
        CheckpointError: something cannot be stored, or the disk has no room or refuses; what was
            there stays.
    """
    check_name(name)
    return write_content(directory, name, prepare(parts, state))


def write_content(directory: Path, name: str, content: Content) -> Path:
    """`write` what `prepare` gave; nothing may change the arrays until this is done."""
    path = Path(directory) / check_name(name)
    sizes = [*content.sizes, 4096]  # and the manifest
    try:
        space.check_room(path.parent, sizes)
        with atomic.replacing(path.parent, name) as temporary:
            serials = [_serial(place) for place in names(path.parent).values()]
            own = Manifest(1 + max(serials, default=0), fill(temporary, content))
            atomic.write_file(temporary / MANIFEST, [own.dumps()])
    except OSError as error:
        raise space.refused(path, error, sizes) from error
    return path


def link(path: Path, name: str) -> Path:
    """Give the checkpoint at `path` a second `name` beside it, in one step.

    The second is a directory of its own: hard links where the file system has them, else copies;
    removing either leaves the other.

    Raises:
        CheckpointError: there is no checkpoint at `path`, it is damaged, or the disk refuses.
    """
    path = Path(path)
    own = Manifest.read(_location(path))
    sizes = [size for size, _ in own.files.values()]
    try:
        with atomic.replacing(path.parent, check_name(name)) as temporary:
            place = _location(path)  # a renaming that was cut off is finished by now
            for file in own.files:
                own.check_size(place, file)
                try:
                    os.link(place / file, temporary / file)
                except OSError:
                    atomic.write_file(temporary / file, [own.content(place, file)])
            atomic.write_file(temporary / MANIFEST, [own.dumps()])
    except OSError as error:
        raise space.refused(path.parent / name, error, sizes) from error
    return path.parent / name


def read(
    path: Path, only: Sequence[str] | None = None
) -> tuple[dict[str, dict[str, np.ndarray]], Any]:
    """The parts and the state of the checkpoint at `path`, each file checked by its hash.

    Args:
        path: what `write`, `latest` or `resolve` returned.
        only: read these parts only (and the state).

    Raises:
        CheckpointError: it is not there, or damaged; names the file.
    """
    place = _location(Path(path))
    try:
        own = Manifest.read(place)
        known = [file[: -len(SUFFIX)] for file in own.files if file.endswith(SUFFIX)]
        wanted = known if only is None else list(only)
        for part in wanted:
            if part not in known:
                raise CheckpointError(
                    f"The checkpoint has no part {part!r}",
                    expected=known,
                    where=place,
                    fix="it was written by a training without it",
                )
        state = _state(place, own)
        return {part: _arrays(place, own, f"{part}{SUFFIX}") for part in wanted}, state
    except CheckpointError as error:
        if error.fix is not None:
            raise
        others = ", ".join(name for name in _names_beside(place) if name != Path(path).name)
        raise CheckpointError(
            error.what,
            expected=error.expected,
            received=error.received,
            where=error.where,
            fix=f"use another one beside it: {others or 'there is none'}",
        ) from error


def names(directory: Path) -> dict[str, Path]:
    """The checkpoints in `directory` by name, whole or damaged, with the place of each now.

    Raises:
        CheckpointError: the directory cannot be read.
    """
    try:
        return {
            name: place
            for name, place in atomic.entries(Path(directory)).items()
            if _is_checkpoint(place)
        }
    except OSError as error:
        raise CheckpointError(f"Checkpoints cannot be read: {error}", where=directory) from error


def is_whole(place: Path) -> bool:
    """Whether a checkpoint has all its files, as long as they were; one that has not is told.

    It is quick: what is in the files is seen when they are read.

    Args:
        place: where it lies now, of `names`.
    """
    try:
        own = Manifest.read(place)
        for file in own.files:
            own.check_size(place, file)
    except CheckpointError as error:
        _log.warning("%s\n  so:       others stay as they are", error)
        return False
    return True


def latest(directory: Path) -> Path | None:
    """The checkpoint that was written last in `directory` and is good; None if there is none.

    "Last" is the order of writing and not the number in a name: a training that was set back and
    went another way has its newest checkpoint under a smaller number. Damaged ones, by the sums
    of all files, are passed over with a warning.

    Raises:
        CheckpointError: there are checkpoints, and all of them are damaged.
    """
    directory = Path(directory)
    readable: list[tuple[int, str, Path, Manifest]] = []
    damage: list[CheckpointError] = []
    for name, place in names(directory).items():
        try:
            own = Manifest.read(place)
            readable.append((own.serial, name, place, own))
        except CheckpointError as error:
            damage.append(error)
    found = None
    for _, name, place, own in sorted(readable, key=lambda one: one[:2], reverse=True):
        try:
            own.verify(place)
            found = directory / name  # equal serials are links to the same checkpoint
            break
        except CheckpointError as error:
            damage.append(error)
    for one in damage:
        _log.warning("%s\n  instead:  %s", one, found or "there is no good one")
    if found is None and damage:
        raise damage[-1]
    return found


def resolve(what: str | Path | None, directory: Path) -> Path | None:
    """The checkpoint to continue from.

    Args:
        what: "auto" (the latest good one in `directory`, if any), "none" or None, or the path of
            a checkpoint, of a directory of checkpoints, or of a run with a `checkpoints`
            directory.
        directory: where this training writes its own.

    Raises:
        CheckpointError: a path was given and there is no checkpoint.
    """
    if what is None or what == "none":
        return None
    if what == "auto":
        return latest(directory)
    path = Path(what)
    if path.name in names(path.parent):
        return path
    found = latest(path) or latest(path / "checkpoints")
    if found is None:
        raise _missing(path)
    return found


def remove(path: Path) -> None:
    """Remove the checkpoint at `path`, if it is there.

    Raises:
        CheckpointError: the disk refuses.
    """
    try:
        atomic.remove(Path(path))
    except OSError as error:
        raise CheckpointError(f"The checkpoint cannot be removed: {error}", where=path) from error


def _arrays(place: Path, own: Manifest, file: str) -> dict[str, np.ndarray]:
    try:
        return tensors.load(own.content(place, file))
    except ValueError as error:
        raise damaged(place / file, f"it is not safetensors: {error}") from error


def _state(place: Path, own: Manifest) -> Any:
    try:
        return strict_json.loads(bytes(own.content(place, STATE)))
    except CheckpointError as error:
        if error.where is not None:
            raise
        raise damaged(place / STATE, error.what) from error


def _is_checkpoint(place: Path) -> bool:
    """Whether a directory was one, whatever happened to it since."""
    try:
        files = os.listdir(place)
    except OSError:  # it has just been removed
        return False
    return any(file in (MANIFEST, STATE) or file.endswith(SUFFIX) for file in files)


def _location(path: Path) -> Path:
    """Where the checkpoint that is called `path` lies now."""
    place = names(path.parent).get(path.name)
    if place is None:
        raise _missing(path)
    return place


def _serial(place: Path) -> int:
    """The place of a checkpoint in the order of writing; a damaged one has none."""
    try:
        return Manifest.read(place).serial
    except CheckpointError:
        return 0


def _names_beside(path: Path) -> list[str]:
    try:
        return list(names(path.parent))
    except CheckpointError:
        return []


def _missing(path: Path) -> CheckpointError:
    beside = ", ".join(_names_beside(path)) or "none"
    return CheckpointError("There is no checkpoint", where=path, fix=f"beside it are: {beside}")
