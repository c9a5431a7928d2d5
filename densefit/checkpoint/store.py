"""Checkpoints on disk: directories that are either complete or not there.

A checkpoint is a directory of `<part>.safetensors` (named arrays), `state.json` (everything else)
and `manifest.json` (size and SHA-256 of each file, and the place in the order of writing).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from densefit.checkpoint import atomic, strict_json
from densefit.errors import CheckpointError

FORMAT = 1
MANIFEST = "manifest.json"
STATE = "state.json"
SUFFIX = ".safetensors"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_log = logging.getLogger("densefit")

Arrays = Mapping[str, np.ndarray]


def write(directory: Path, name: str, parts: Mapping[str, Arrays], state: Any) -> Path:
    """Write the checkpoint `directory/name` in one step, replacing one of that name.

    Args:
        directory: made if it is not there. One process writes to it at a time.
        name: letters, digits, "_", "-" and ".".
        parts: named arrays by part, e.g. {"model": {...}, "optimizer": {...}}; dtypes are kept.
        state: what `strict_json` can write.

    Returns:
        The path of the checkpoint.

    Raises:
        CheckpointError: something cannot be stored, or the disk refuses; what was there stays.
    """
    directory = Path(directory)
    files = {f"{_checked(part)}{SUFFIX}": _serialize(part, parts[part]) for part in parts}
    files[STATE] = strict_json.dumps(state).encode()
    manifest = {
        "format": FORMAT,
        "serial": 1 + max((_serial(place) for place in names(directory).values()), default=0),
        "files": {
            file: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for file, data in files.items()
        },
    }
    files[MANIFEST] = json.dumps(manifest, indent=1).encode()
    try:
        with atomic.replacing(directory, _checked(name)) as temporary:
            for file, data in files.items():
                atomic.write_file(temporary / file, data)
    except OSError as error:
        raise _refused(directory / name, error) from error
    return directory / name


def link(path: Path, name: str) -> Path:
    """Give the checkpoint at `path` a second `name` beside it, in one step.

    The second is a directory of its own: hard links where the file system has them, else copies;
    removing either leaves the other.

    Raises:
        CheckpointError: there is no checkpoint at `path`, or the disk refuses.
    """
    path = Path(path)
    _location(path)
    try:
        with atomic.replacing(path.parent, _checked(name)) as temporary:
            for file in path.iterdir():
                try:
                    os.link(file, temporary / file.name)
                except OSError:
                    atomic.write_file(temporary / file.name, file.read_bytes())
    except OSError as error:
        raise _refused(path.parent / name, error) from error
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
    manifest = _manifest(place)
    known = [file[: -len(SUFFIX)] for file in manifest["files"] if file.endswith(SUFFIX)]
    parts = {}
    for part in known if only is None else only:
        if part not in known:
            raise CheckpointError(
                f"The checkpoint has no part {part!r}", expected=known, where=place
            )
        file = f"{part}{SUFFIX}"
        try:
            parts[part] = safetensors.load(_verified(place, file, manifest))
        except SafetensorError as error:
            raise _damaged(place / file, str(error)) from error
    return parts, strict_json.loads(_verified(place, STATE, manifest).decode())


def names(directory: Path) -> dict[str, Path]:
    """The checkpoints in `directory` by name, with the place where each lies now."""
    return {
        name: place
        for name, place in atomic.entries(Path(directory)).items()
        if (place / MANIFEST).exists() or (place / STATE).exists()
    }


def latest(directory: Path) -> Path | None:
    """The checkpoint that was written last in `directory`; None if there is none.

    "Last" is the order of writing and not the number in a name: a training that was set back and
    went another way has its newest checkpoint under a smaller number. Damaged ones are passed
    over with a warning.

    Raises:
        CheckpointError: there are checkpoints, and all of them are damaged.
    """
    directory = Path(directory)
    whole: list[tuple[int, str]] = []
    damage: CheckpointError | None = None
    for name, place in names(directory).items():
        try:
            manifest = _manifest(place)
            for file in manifest["files"]:
                _check_size(place, file, manifest)
            whole.append((manifest["serial"], name))
        except CheckpointError as error:
            _log.warning("%s", error)
            damage = error
    if whole:
        return directory / max(whole)[1]  # equal serials are links to the same checkpoint
    if damage is not None:
        raise damage
    return None


def resolve(what: str | Path | None, directory: Path) -> Path | None:
    """The checkpoint to continue from.

    Args:
        what: "auto" (the latest in `directory`, if any), "none" or None, or the path of a
            checkpoint, of a directory of checkpoints, or of a run with a `checkpoints` directory.
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


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise CheckpointError(
            "This cannot be the name of a checkpoint or of a part",
            expected='letters, digits, "_", "-" and ".", not beginning with "." or "-"',
            received=repr(name),
        )
    return name


def _serialize(part: str, arrays: Arrays) -> bytes:
    """The arrays as safetensors, which takes strided arrays but stores them in wrong order."""
    try:
        return safetensors.save({key: np.asarray(arrays[key], order="C") for key in arrays})
    except SafetensorError as error:
        raise CheckpointError(
            f"An array cannot be stored: {error}",
            expected="arrays of numbers",
            received={key: str(np.asarray(arrays[key]).dtype) for key in arrays},
            where=f"part {part!r}",
        ) from error


def _location(path: Path) -> Path:
    """Where the checkpoint that is called `path` lies now."""
    place = names(path.parent).get(path.name)
    if place is None:
        raise _missing(path)
    return place


def _manifest(place: Path) -> dict[str, Any]:
    path = place / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
        newer = int(manifest["format"]) > FORMAT
        sound = isinstance(manifest["serial"], int) and all(
            _NAME.fullmatch(file) and isinstance(entry["bytes"], int) and entry["sha256"]
            for file, entry in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    if newer:
        raise CheckpointError(
            "The checkpoint is of a newer densefit",
            expected=f"format {FORMAT}",
            received=f"format {manifest['format']}",
            where=place,
            fix="pip install -U densefit",
        )
    if not sound:
        raise _damaged(path, "not a manifest")
    return manifest


def _serial(place: Path) -> int:
    """The place of a checkpoint in the order of writing; a damaged one has none."""
    try:
        return int(_manifest(place)["serial"])
    except CheckpointError:
        return 0


def _check_size(place: Path, file: str, manifest: Mapping[str, Any]) -> None:
    expected = manifest["files"].get(file, {}).get("bytes")
    try:
        size = (place / file).stat().st_size
    except OSError as error:
        raise _damaged(place / file, "the file is missing") from error
    if size != expected:
        raise _damaged(place / file, f"{size} bytes instead of {expected}")


def _verified(place: Path, file: str, manifest: Mapping[str, Any]) -> bytes:
    _check_size(place, file, manifest)
    data = (place / file).read_bytes()
    if hashlib.sha256(data).hexdigest() != manifest["files"][file]["sha256"]:
        raise _damaged(place / file, "the content has changed since it was written (SHA-256)")
    return data


def _missing(path: Path) -> CheckpointError:
    beside = ", ".join(names(path.parent)) or "none"
    return CheckpointError("There is no checkpoint", where=path, fix=f"beside it are: {beside}")


def _damaged(path: Path, how: str) -> CheckpointError:
    others = [name for name in names(path.parent.parent) if name != path.parent.name]
    return CheckpointError(
        f"The checkpoint is damaged: {how}",
        where=path,
        fix=f"use another one beside it: {', '.join(others) or 'there is none'}",
    )


def _refused(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(
        f"The checkpoint cannot be written: {error}",
        where=path,
        fix="see to the disk's space and permissions; earlier checkpoints are untouched",
    )
