"""Named arrays in `.params` files of MXNet 1.x.

MXNet's reader trusts the sizes in a file: a damaged one makes it allocate any amount of memory.
Here all sizes are checked before memory is allocated. All numbers are little-endian:

    uint64 0x112, uint64 0                      the file
    uint64 count, then the arrays:
        uint32 0xF993FAC9, int32 0 (dense), int32 dimensions, int64 each
        int32 device kind, int32 device number, int32 dtype, the numbers
    uint64 count, then the names: uint64 length, UTF-8

Files of earlier versions are read, too; their arrays begin with 0xF993FAC8, dimensions, int64 each
(before 1.0), or dimensions, uint32 each (before 0.12).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

import numpy as np

from densefit.errors import CheckpointError

_FILE = 0x112
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA  # V3: written under `mx.util.np_shape`
_DTYPES: dict[int, np.dtype] = {
    0: np.dtype("<f4"),
    1: np.dtype("<f8"),
    2: np.dtype("<f2"),
    3: np.dtype("u1"),
    4: np.dtype("<i4"),
    5: np.dtype("i1"),
    6: np.dtype("<i8"),
    7: np.dtype("?"),
    12: np.dtype([("bfloat16", "<u2")]),
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_MOST_DIMENSIONS = 32  # of numpy


def pieces(arrays: Mapping[str, np.ndarray]) -> list[bytes | memoryview]:
    """Serialize arrays into pieces, which share the arrays' memory where it is contiguous.

    Raises:
        CheckpointError: MXNet's files cannot hold an array.
    """
    parts: list[bytes | memoryview] = [struct.pack("<QQQ", _FILE, 0, len(arrays))]
    for name, array in arrays.items():
        array = np.asarray(array, order="C")
        code = _CODES.get(array.dtype)
        if code is None or not array.size or not array.ndim:
            raise CheckpointError(
                "MXNet's files cannot hold this array",
                expected=f"at least one number of {', '.join(map(str, _DTYPES.values()))}",
                received=f"shape {array.shape} of {array.dtype}",
                where=name,
            )
        dimensions = array.ndim
        parts.append(
            struct.pack(f"<Iii{dimensions}qiii", _V2, 0, dimensions, *array.shape, 1, 0, code)
        )
        parts.append(array.reshape(-1).view(np.uint8).data)
    parts.append(struct.pack("<Q", len(arrays)))
    for name in arrays:
        text = name.encode("utf-8")
        parts.append(struct.pack("<Q", len(text)) + text)
    return parts


def load(data: bytes | bytearray) -> dict[str, np.ndarray]:
    """Parse a file's arrays, which share the memory of `data`.

    Raises:
        ValueError: the data is not a complete file of dense arrays with names.
    """
    cursor = _Cursor(data)
    if cursor.take("<QQ") != (_FILE, 0):
        raise ValueError("it does not begin as such a file does")
    (count,) = cursor.take("<Q")
    if count > len(data):
        raise ValueError(f"{count} arrays in {len(data)} bytes")
    arrays = [_array(cursor) for _ in range(count)]
    (named,) = cursor.take("<Q")
    if named != count:
        raise ValueError(f"{named} names for {count} arrays")
    names = [bytes(cursor.skip(cursor.take("<Q")[0])).decode("utf-8") for _ in range(count)]
    if cursor.position != len(data):
        raise ValueError(f"{len(data) - cursor.position} bytes too many")
    if len(set(names)) != count:
        raise ValueError("a name is given twice")
    return dict(zip(names, arrays))


class _Cursor:
    """Reader of binary data that raises at the end of the data."""

    def __init__(self, data: bytes | bytearray) -> None:
        self.data, self.position = memoryview(data), 0

    def skip(self, size: int) -> memoryview:
        """Return the next `size` bytes."""
        if size > len(self.data) - self.position:
            end = len(self.data)
            raise ValueError(f"it ends at {end}, {size} bytes from {self.position} are due")
        self.position += size
        return self.data[self.position - size : self.position]

    def take(self, form: str) -> tuple[int, ...]:
        """Return the next numbers, unpacked by a `struct` format."""
        return struct.unpack(form, self.skip(struct.calcsize(form)))


def _array(cursor: _Cursor) -> np.ndarray:
    (magic,) = cursor.take("<I")
    width = "q"
    if magic in (_V2, _V3):
        kind, dimensions = cursor.take("<ii")
        if kind != 0:
            raise ValueError("an array is sparse")
    elif magic == _V1:
        (dimensions,) = cursor.take("<i")
    else:
        dimensions, width = magic, "I"
    if not 0 < dimensions <= _MOST_DIMENSIONS:
        raise ValueError(f"an array of {dimensions} dimensions")
    shape = cursor.take(f"<{dimensions}{width}")
    _, _, code = cursor.take("<iii")
    if code not in _DTYPES:
        raise ValueError(f"an array of the unknown dtype {code}")
    dtype = _DTYPES[code]
    if any(size <= 0 for size in shape):
        raise ValueError(f"an array of the impossible shape {shape}")
    return np.frombuffer(cursor.skip(math.prod(shape) * dtype.itemsize), dtype).reshape(shape)
