"""What annotation files were when a table was made of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

#: So many annotation files are compared by contents; more by names, sizes and times.
HASHED = 4
_BLOCK = 1 << 20


def names_of(sources: Sequence[Path]) -> str:
    """The paths, or a hash of many."""
    names = "\n".join(map(str, sources))
    return names if len(sources) <= HASHED else sha256(os.fsencode(names)).hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content."""
    digest = sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def contents(sources: Sequence[Path], digests: Mapping[Path, str]) -> list[list[Any]]:
    """Size and SHA-256 of each file.

    Args:
        sources: the files.
        digests: SHA-256 of those that were read just now.
    """
    return [[os.path.getsize(path), digests.get(path) or sha256_of(path)] for path in sources]


def listing(sources: Sequence[Path]) -> list[list[Any]]:
    """Name, size and time of each file; of a folder, a hash of the names in it."""
    states: list[list[Any]] = []
    for path in sources:
        try:
            status = os.stat(path)
        except OSError:
            states.append([path.name, -1, 0])
            continue
        if stat.S_ISDIR(status.st_mode):
            names = sorted(name for name in os.listdir(path) if not name.startswith("."))
            states.append([path.name, sha256(os.fsencode("\n".join(names))).hexdigest(), 0])
        else:
            states.append([path.name, status.st_size, status.st_mtime_ns])
    return states
