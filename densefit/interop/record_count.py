"""Number of samples in the files of MXNet's iterators, without reading the samples."""

from __future__ import annotations

import os
import struct
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from densefit.errors import DataError

_MAGIC = 0xCED7230A
_FRAME = struct.Struct("<II")


def count_records(path: str) -> int | None:
    """Number of records of a RecordIO file; None if it is no single local file.

    Raises:
        DataError: the file is no RecordIO file or ends within a record.
    """
    identity = _identity(path)
    return None if identity is None else _count_records(path, *identity)


def count_index(path: str) -> int | None:
    """Number of lines of an index file (.idx); None if it is no single local file."""
    identity = _identity(path)
    return None if identity is None else _count_lines(path, *identity)


def count_mnist(path: str) -> int | None:
    """Number of pictures that the header of an idx file announces; None if it is no local file."""
    if _identity(path) is None:
        return None
    with open(path, "rb") as file:
        header = file.read(8)
    return int(struct.unpack(">II", header)[1]) if len(header) == 8 else None


def _identity(path: str) -> tuple[int, int] | None:
    """Size and time of change, by which a count is kept."""
    if not Path(path).is_file():
        return None
    state = os.stat(path)
    return state.st_size, state.st_mtime_ns


@lru_cache(maxsize=64)
def _count_records(path: str, size: int, changed: int) -> int:
    count = position = 0
    with open(path, "rb") as file:
        while position < size:
            is_first, length = _header(file, path, position)
            count += is_first
            position += _FRAME.size + (length + 3) // 4 * 4
            file.seek(position)
    if position != size:
        raise DataError(
            "A record file ends within a record",
            expected=f"{position} bytes",
            received=f"{size} bytes",
            where=path,
            fix="copy the file again",
        )
    return count


def _header(file: BinaryIO, path: str, position: int) -> tuple[bool, int]:
    """Whether a record begins here (a long one has several parts), and the length of its part."""
    header = file.read(_FRAME.size)
    magic, word = _FRAME.unpack(header) if len(header) == _FRAME.size else (0, 0)
    if magic != _MAGIC:
        raise DataError(
            "A record file is damaged, or no record file",
            expected=f"the number {_MAGIC:#x}",
            received=header.hex(),
            where=f"{path}, byte {position}",
            fix="make or copy the file again",
        )
    return word >> 29 in (0, 1), word & ((1 << 29) - 1)


@lru_cache(maxsize=64)
def _count_lines(path: str, size: int, changed: int) -> int:
    with open(path, "rb") as file:
        return sum(1 for line in file if line.strip())
