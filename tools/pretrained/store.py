"""Store checked files of pretrained weights on the search path."""

from __future__ import annotations

import hashlib
from pathlib import Path

from densefit.checkpoint.storage.atomic import replace_file
from densefit.checkpoint.weights.library import search
from densefit.checkpoint.weights.library.pretrained_file import PretrainedFile
from densefit.checkpoint.weights.library.table import by_sha256
from densefit.errors import CheckpointError


def is_right(entry: PretrainedFile, path: Path) -> bool:
    """Whether a file has the sha256 of an entry."""
    return hashlib.sha256(path.read_bytes()).hexdigest().startswith(entry.sha256)


def check(path: str | Path) -> tuple[PretrainedFile, bytes]:
    """Return the entry of a file, and its content, which is read once.

    Raises:
        CheckpointError: there is no such file, or it is not in the table.
    """
    file = Path(path)
    if not file.is_file():
        raise CheckpointError("There is no file of weights", where=path)
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    entry = by_sha256(digest)
    if entry is None:
        raise CheckpointError(
            "The file is none of the known weights",
            received=f"sha256 {digest}",
            where=path,
            fix="densefit weights list shows the known ones; any file can be used by its path: "
            "--model.weights FILE",
        )
    return entry, content


def check_download(entry: PretrainedFile, content: bytes) -> None:
    """Raise CheckpointError if what was downloaded has another sha256 than its entry."""
    digest = hashlib.sha256(content).hexdigest()
    if not digest.startswith(entry.sha256):
        raise CheckpointError(
            f"What was downloaded as {entry.file} is another file: its sha256 differs",
            expected=entry.sha256,
            received=f"{digest}, {len(content)} bytes",
            fix="try again; nothing was stored",
        )


def add(entry: PretrainedFile, content: bytes) -> Path:
    """Write a checked file of the table to the first folder of the search path, atomically.

    Raises:
        OSError: the disk refuses.
    """
    path = search.folders()[0] / entry.file
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, [content])
    return path
