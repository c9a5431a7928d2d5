"""Content of a checkpoint: checked and serialized, ready to be written."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage import atomic, manifest, strict_json, tensors
from densefit.checkpoint.storage.tensors import Arrays
from densefit.errors import CheckpointError

STATE = "state.json"
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Content:
    """Checked content of a checkpoint.

    Attributes:
        files: file name -> pieces of its content, which share the memory of the arrays.
    """

    files: Mapping[str, Sequence[memoryview]]

    @property
    def sizes(self) -> list[int]:
        """Return the size of each file in bytes."""
        return [sum(piece.nbytes for piece in pieces) for pieces in self.files.values()]


def prepare(parts: Mapping[str, Arrays], state: Any) -> Content:
    """Serialize a checkpoint; the arrays share memory, so they must not change until written.

    Raises:
        CheckpointError: a value cannot be stored.
    """
    files = {f"{check_name(part)}{SUFFIX}": _pieces(part, parts[part]) for part in parts}
    files[STATE] = [memoryview(strict_json.dumps(state).encode())]
    return Content(files)


def check_name(name: str) -> str:
    """Return `name` if it is valid for a checkpoint or a part.

    Raises:
        CheckpointError: the name is invalid.
    """
    if not manifest.NAME.fullmatch(name):
        raise CheckpointError(
            "This cannot be the name of a checkpoint or of a part",
            expected='letters, digits, "_", "-" and ".", not beginning with "." or "-"',
            received=repr(name),
        )
    return name


def fill(temporary: Path, content: Content) -> dict[str, tuple[int, str]]:
    """Write the files of a checkpoint into an empty directory and flush them to the disk.

    A second thread computes the SHA-256 sums meanwhile: both take about as long.

    Returns:
        Entries of the manifest: name -> (bytes, SHA-256).

    Raises:
        OSError: the disk refuses.
    """
    sums: list[str] = []
    hasher = threading.Thread(
        target=lambda: sums.extend(map(_sum, content.files.values())), name="sha256"
    )
    try:
        hasher.start()
    except RuntimeError:  # the interpreter is shutting down and starts no threads
        hasher.run()
    try:
        for file, pieces in content.files.items():
            atomic.write_file(temporary / file, pieces)
    finally:
        if hasher.ident is not None:
            hasher.join()
    if len(sums) < len(content.files):  # the thread died, e.g. of too little memory
        sums = [_sum(pieces) for pieces in content.files.values()]
    return dict(zip(content.files, zip(content.sizes, sums)))


def _sum(pieces: Sequence[memoryview]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _pieces(part: str, arrays: Arrays) -> list[memoryview]:
    try:
        return tensors.pieces(arrays)
    except CheckpointError as error:
        details = {"expected": error.expected, "received": error.received}
        raise CheckpointError(error.what, **details, where=f"part {part!r}") from error
