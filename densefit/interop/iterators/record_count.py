"""Number of samples in the files of MXNet's iterators, without reading the samples."""

from __future__ import annotations

import os
import struct
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from densefit.errors import DataError

_MAGIC = 0xCED7230A
_LOOKED_AT = 2000  # records of an index that are checked
_FRAME = struct.Struct("<II")


def count_records(path: str, part: int = 0, parts: int = 1) -> int | None:
    """Count the records of a RecordIO file, or of one of its parts of about equal size.

    Args:
        path: the file.
        part: `part_index` of MXNet's iterators.
        parts: `num_parts`, which cuts by bytes.

    Returns:
        The number; None if the path is not a single local file.

    Raises:
        DataError: the file is not a RecordIO file or ends within a record.
    """
    identity = _identity(path)
    if identity is None:
        return None
    step = -(-identity[0] // parts)
    step = -(-step // 4) * 4
    return _count_records(path, *identity, start=0, first=step * part, stop=step * (part + 1))


def count_indexed(index: str, path: str, part: int = 0, parts: int = 1) -> int | None:
    """Count the records that `mx.io.ImageRecordIter(path_imgidx=index)` reads.

    The iterator reads all records from the first listed one to the end of the file. If the index
    lists all records, the file need not be scanned, which takes minutes for a large one.

    Args:
        index: the index file.
        path: the record file.
        part: `part_index`.
        parts: `num_parts`, which here cuts by the number of records.

    Returns:
        The number; None if a path is not a single local file, or the index omits records and
        there are several parts.

    Raises:
        DataError: the file is not a RecordIO file or ends within a record.
    """
    identities = _identity(index), _identity(path)
    if identities[0] is None or identities[1] is None:
        return None
    listed, records = _count_indexed(index, *identities[0], path, *identities[1])
    if parts == 1:
        return records
    step = -(-records // parts)
    return min(step, max(0, records - step * part)) if listed == records else None


def count_mnist(path: str) -> int | None:
    """Return the number of images in the header of an idx file; None if it is not a local file."""
    if _identity(path) is None:
        return None
    with open(path, "rb") as file:
        header = file.read(8)
    return int(struct.unpack(">II", header)[1]) if len(header) == 8 else None


def _identity(path: str) -> tuple[int, int] | None:
    """Return a file's size and modification time, the key of cached counts."""
    if not Path(path).is_file():
        return None
    state = os.stat(path)
    return state.st_size, state.st_mtime_ns


@lru_cache(maxsize=64)
def _count_records(path: str, size: int, changed: int, start: int, first: int, stop: int) -> int:
    """Count the records that start in bytes `first` to `stop`, scanning from `start`."""
    count, position = 0, start
    with open(path, "rb") as file:
        while position < size:
            is_counted = first <= position < stop
            is_first, position = _header(file, path, position)
            count += is_first and is_counted
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
    """Return whether a record (not a later part of one) starts here, and the next position."""
    file.seek(position)
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
    length = word & ((1 << 29) - 1)
    return word >> 29 in (0, 1), position + _FRAME.size + (length + 3) // 4 * 4


@lru_cache(maxsize=64)
def _count_indexed(
    index: str, size: int, changed: int, path: str, path_size: int, path_changed: int
) -> tuple[int, int]:
    """Count the records that an index lists, and the records from the first one on."""
    with open(index, encoding="utf-8") as lines:
        starts = sorted(int(line.split()[1]) for line in lines if line.strip())
    if not starts:
        return 0, 0
    ends = [*starts[1:], path_size]
    chosen = {*range(0, len(starts), 1 + len(starts) // _LOOKED_AT), len(starts) - 1}
    with open(path, "rb") as file:
        if all(_header(file, path, starts[n]) == (True, ends[n]) for n in chosen):
            return len(starts), len(starts)
    return len(starts), _count_records(path, path_size, path_changed, starts[0], 0, path_size)
