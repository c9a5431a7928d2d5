"""What a checkpoint will hold, checked and ready to be written."""

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
    """What a checkpoint will hold, checked.

    Attributes:
        files: name -> pieces of its content, which share the memory of the arrays.
    """

    files: Mapping[str, Sequence[memoryview]]

    @property
    def sizes(self) -> list[int]:
        """Bytes of each file."""
        return [sum(piece.nbytes for piece in pieces) for pieces in self.files.values()]


def prepare(parts: Mapping[str, Arrays], state: Any) -> Content:
    """What `write` would write: the state as it is now, and the arrays as they are then.

    Raises:
        CheckpointError: something cannot be stored.
    """
    files = {f"{check_name(part)}{SUFFIX}": _pieces(part, parts[part]) for part in parts}
    files[STATE] = [memoryview(strict_json.dumps(state).encode())]
    return Content(files)


def check_name(name: str) -> str:
    """`name`, if a checkpoint or a part of one may have it.

    Raises:
        CheckpointError: it may not.
    """
    if not manifest.NAME.fullmatch(name):
        raise CheckpointError(
            "This cannot be the name of a checkpoint or of a part",
            expected='letters, digits, "_", "-" and ".", not beginning with "." or "-"',
            received=repr(name),
        )
    return name


def fill(temporary: Path, content: Content) -> dict[str, tuple[int, str]]:
    """Write the files of a checkpoint into an empty directory, and see them safe on the disk.

    Their sums are made by a second thread in the meantime: each takes about as long as the other.

    Returns:
        What a manifest has of them: name -> (bytes, SHA-256).

    Raises:
        OSError: the disk refuses.
    """
    sums: list[str] = []
    hasher = threading.Thread(
        target=lambda: sums.extend(map(_sum, content.files.values())), name="sha256"
    )
    try:
        hasher.start()
    except RuntimeError:  # the interpreter is about to end, and starts no threads any more
        hasher.run()
    try:
        for file, pieces in content.files.items():
            atomic.write_file(temporary / file, pieces)
    finally:
        if hasher.ident is not None:
            hasher.join()
    if len(sums) < len(content.files):  # its thread has died, of too little memory, say
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
        known = {"expected": error.expected, "received": error.received}
        raise CheckpointError(error.what, **known, where=f"part {part!r}") from error
