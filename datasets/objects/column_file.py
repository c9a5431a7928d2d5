"""A file of named numpy arrays that processes map, so that all share its pages.

The format: 16 bytes of magic; the length of the header, 8 bytes little-endian; the header, JSON in
UTF-8; the arrays, each from a multiple of 64 bytes on, as the header's "arrays" says: name ->
[dtype, shape, offset]. The header has the length of the file, and the CRC-32 of the arrays; its
own CRC-32 is in the 4 bytes behind it.
"""

from __future__ import annotations

import json
import mmap
import os
import secrets
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_MAGIC = b"densefit-columns"
_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_ALIGNED = 64
_BLOCK = 1 << 20
_DTYPES = frozenset("|u1 |b1 <i4 <i8 <f4 <f8".split())
_LONGEST_HEADER = 1 << 30


class BrokenColumnsError(Exception):
    """A file of columns is truncated, damaged or no such file."""


@dataclass(frozen=True)
class ColumnFile:
    """An open file.

    Attributes:
        path: of the file.
        identity: device and inode: another file may take the path while this one is mapped.
        checksum: of the header, and by it of the arrays.
        meta: what was stored with the arrays.
        arrays: read-only, mapped.
    """

    path: Path
    identity: tuple[int, int]
    checksum: int
    meta: dict[str, Any]
    arrays: dict[str, np.ndarray]

    @property
    def is_in_place(self) -> bool:
        """Whether the path still leads to this file."""
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self.identity


def write_columns(path: Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
    """Write a file of columns under another name, then move it to its place.

    Args:
        path: of the file.
        arrays: name -> array; its dtype is one of few numbers.
        meta: what JSON can hold.

    Raises:
        OSError: the folder cannot be written to, or is full.
    """
    layout: dict[str, tuple[str, list[int], int]] = {}
    offset = checksum = 0
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    for name, array in contiguous.items():
        layout[name] = (array.dtype.str, list(array.shape), offset)
        offset += _padded(array.nbytes)
        checksum = zlib.crc32(_bytes(array), checksum)
    header = {"arrays": layout, "bytes": offset, "checksum": checksum, "meta": dict(meta)}
    text = json.dumps(header).encode()
    start = _padded(len(_MAGIC) + _LENGTH.size + len(text) + _CHECKSUM.size)
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            file.write(_MAGIC + _LENGTH.pack(len(text)) + text + _CHECKSUM.pack(zlib.crc32(text)))
            for name, array in contiguous.items():
                file.seek(start + layout[name][2])
                file.write(_bytes(array))
            file.truncate(start + offset)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_meta(path: Path) -> dict[str, Any]:
    """What was stored with the arrays, without a look at these.

    Raises:
        BrokenColumnsError: see there.
        OSError: the file is missing or cannot be read.
    """
    with open(path, "rb") as file:
        return _header(file)[0]["meta"]


def open_columns(path: Path, check: bool = True) -> ColumnFile:
    """Map a file of columns.

    Args:
        path: of the file.
        check: read the arrays once, and compare their checksum.

    Raises:
        BrokenColumnsError: see there.
        OSError: the file is missing or cannot be read.
    """
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        header, start, checksum = _header(file)
        if status.st_size != start + header["bytes"]:
            raise BrokenColumnsError(f"{path} is {status.st_size} bytes long")
        if check and _checksum(file, header, start) != header["checksum"]:
            raise BrokenColumnsError(f"the arrays of {path} are damaged")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    arrays = {}
    for name, (dtype, shape, offset) in header["arrays"].items():
        count = int(np.prod(shape, dtype=np.int64))
        flat = np.frombuffer(mapped, np.dtype(dtype), count, start + offset if count else 0)
        arrays[name] = flat.reshape(shape)
    identity = (status.st_dev, status.st_ino)
    return ColumnFile(path, identity, checksum, header["meta"], arrays)


def _header(file: Any) -> tuple[dict[str, Any], int, int]:
    """The header, where the arrays begin, and the header's checksum."""
    start = file.read(len(_MAGIC) + _LENGTH.size)
    if len(start) < len(_MAGIC) + _LENGTH.size or not start.startswith(_MAGIC):
        raise BrokenColumnsError(f"{file.name} is no file of columns")
    (length,) = _LENGTH.unpack(start[len(_MAGIC) :])
    text = file.read(min(length, _LONGEST_HEADER))
    checksum = file.read(_CHECKSUM.size)
    if len(text) != length or checksum != _CHECKSUM.pack(zlib.crc32(text)):
        raise BrokenColumnsError(f"the header of {file.name} is damaged")
    header = json.loads(text)
    if any(dtype not in _DTYPES for dtype, _, _ in header["arrays"].values()):
        raise BrokenColumnsError(f"{file.name} has arrays of unknown types")
    return header, _padded(len(start) + length + _CHECKSUM.size), zlib.crc32(text)


def _checksum(file: Any, header: Mapping[str, Any], start: int) -> int:
    checksum = 0
    for dtype, shape, offset in header["arrays"].values():
        file.seek(start + offset)
        left = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        while left:
            block = file.read(min(left, _BLOCK))
            if not block:
                return -1
            checksum, left = zlib.crc32(block, checksum), left - len(block)
    return checksum


def _bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _padded(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
