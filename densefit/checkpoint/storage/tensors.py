"""Named arrays as safetensors: https://huggingface.co/docs/safetensors

A file is a length (8 bytes, little-endian), a JSON header of that length, and the arrays' bytes
without gaps. It is written in pieces, straight from the arrays' memory: the library's writer makes
two copies of everything. Every bound is checked before memory is allocated. Arrays of bfloat16,
which numpy lacks, are read as MXNet represents them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.checkpoint.storage import strict_json
from densefit.errors import CheckpointError

Arrays = Mapping[str, np.ndarray]

MAX_HEADER = 1 << 23  # bytes; some 70,000 arrays

_DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype([("bfloat16", "<u2")]),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}


def pieces(arrays: Arrays) -> list[memoryview]:
    """Serialize arrays into pieces, which share the arrays' memory where it is contiguous.

    Raises:
        CheckpointError: an array is not numeric, or has no name.
    """
    header: dict[str, Any] = {}
    body: list[memoryview] = []
    end = 0
    little = {name: _little(name, array) for name, array in arrays.items()}
    # Widest dtype first, as in the library: each array is then aligned to its item size.
    for name, array in sorted(little.items(), key=lambda item: (-item[1].itemsize, item[0])):
        header[name] = {
            "dtype": _CODES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [end, end + array.nbytes],
        }
        end += array.nbytes
        if array.nbytes:
            body.append(array.reshape(-1).view(np.uint8).data)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER:
        raise CheckpointError("There are too many arrays for one file", received=len(arrays))
    return [memoryview(len(text).to_bytes(8, "little") + text), *body]


def load(data: bytes | bytearray) -> dict[str, np.ndarray]:
    """Parse a file's arrays, which share the memory of `data` and are writable if it is.

    Raises:
        ValueError: the data is not a complete safetensors file.
    """
    length = int.from_bytes(data[:8], "little")
    start = 8 + length
    if len(data) < 8 or length > MAX_HEADER or start > len(data):
        raise ValueError(f"a header of {length} bytes in a file of {len(data)}")
    header = strict_json.parse(bytes(data[8:start]))
    if not isinstance(header, dict):
        raise ValueError("the header is not an object")
    header.pop("__metadata__", None)
    entries = sorted(
        (*_checked(name, entry), name) for name, entry in header.items()
    )  # by offset: (begin, end, dtype code, shape, name)
    arrays, last = {}, 0
    for begin, end, code, shape, name in entries:
        dtype = _DTYPES[code]
        if begin != last:
            raise ValueError(f"{name!r:.80} begins at {begin}, where {last} is due")
        if end - begin != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{name!r:.80} is not of the size of its shape")
        count = (end - begin) // dtype.itemsize
        arrays[name] = np.frombuffer(data, dtype, count, start + begin if count else 0)
        arrays[name] = arrays[name].reshape(shape)
        last = end
    if start + last != len(data):
        raise ValueError(f"{len(data) - start - last} bytes belong to no array")
    return arrays


def _little(name: Any, array: Any) -> np.ndarray:
    """Return `array` contiguous and little-endian, without a copy if it already is both."""
    array = np.asarray(array, order="C")
    array = np.asarray(array, dtype=array.dtype.newbyteorder("<"))
    if array.dtype not in _CODES or not isinstance(name, str) or name == "__metadata__":
        raise CheckpointError(
            "An array cannot be stored",
            expected=f"arrays of numbers ({', '.join(_CODES.values())}) by name",
            received=f"{name!r}: {str(array.dtype)!r}",
        )
    return array


def _checked(name: str, entry: Any) -> tuple[int, int, str, list[int]]:
    """Validate a header entry; returns (begin, end, dtype code, shape) of its array.

    Raises:
        ValueError: the entry is invalid.
    """
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name!r:.80} has no dtype, shape and data_offsets")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in _DTYPES:
        raise ValueError(f"{name!r:.80} is of an unknown dtype {code!r:.40}")
    for numbers in (shape, offsets):
        if not isinstance(numbers, list) or len(numbers) > 32:
            raise ValueError(f"{name!r:.80} has no shape or no offsets")
        if any(type(number) is not int or not 0 <= number < 2**48 for number in numbers):
            raise ValueError(f"{name!r:.80} has an impossible shape or offset")
    if len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ValueError(f"{name!r:.80} has impossible offsets")
    return offsets[0], offsets[1], code, shape
