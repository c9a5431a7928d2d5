"""Serialize named arrays to bytes and back, bit-exact.

Layout: the length of a JSON table (4 bytes, little endian), the table, and the concatenated bytes
of the arrays. Like NumPy's `.npz`, but without pickles for objects and without file overhead.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.data.io import exact_json
from densefit.errors import DataError

_LENGTH = struct.Struct("<I")
# Class maps have few bits per pixel: the fastest level already shrinks them a hundredfold.
_LEVEL = 1
_FAULTS = (
    *(struct.error, ValueError, KeyError, TypeError, zlib.error, DataError),
    *(AttributeError, IndexError, OverflowError, MemoryError, RecursionError),
)
_MAX_TEXT = 1 << 30  # bytes of an array of objects
_PYTHON_SCALARS = (bool, int, float, str, bytes)
# Kinds of parts that are not arrays of a dtype:
_OBJECTS, _PYTHON = "json", "json value"  # an array of objects; a Python number or text
_OLD_OBJECTS, _OLD_PYTHON = "object", "python"  # written by earlier versions
_TEXTS = (_OBJECTS, _PYTHON, _OLD_OBJECTS, _OLD_PYTHON)
_SCALAR = "scalar "  # before the dtype of a numpy scalar


def to_bytes(
    arrays: Mapping[str, np.ndarray], note: Mapping[str, Any], compress: bool = True
) -> bytes:
    """Pack arrays and a note.

    Args:
        arrays: arrays of any dtype; object arrays may hold values that `exact_json` supports.
            Python and numpy scalars keep their type.
        note: JSON-serializable values stored beside the arrays.
        compress: deflate the arrays, which takes time.

    Raises:
        DataError: an array cannot be restored exactly.
    """
    table, parts = [], []
    for name, array in arrays.items():
        raw, kind = _packed(name, array)
        part = zlib.compress(raw, _LEVEL) if compress else raw
        table.append([name, kind, list(np.shape(array)), len(part)])
        parts.append(part)
    head = json.dumps({"note": dict(note), "compressed": compress, "arrays": table}).encode()
    return b"".join([_LENGTH.pack(len(head)), head, *parts])


def from_bytes(data: bytes | memoryview, where: object) -> tuple[dict[str, np.ndarray], Any]:
    """Unpack the output of `to_bytes`: writable copies of the arrays, and the note.

    Args:
        data: the bytes.
        where: source of the bytes, for errors.

    Raises:
        DataError: the bytes do not have this layout.
    """
    view = memoryview(data)
    try:
        start = _LENGTH.size + _LENGTH.unpack_from(view)[0]
        head = json.loads(bytes(view[_LENGTH.size : start]))
        arrays = {}
        for name, kind, shape, length in head["arrays"]:
            part = view[start : start + length]
            start += length
            arrays[name] = _unpacked(
                _inflated(part, kind, shape) if head["compressed"] else part, kind, shape
            )
        return arrays, head["note"]
    except _FAULTS as error:
        raise DataError(
            "The packed arrays cannot be read",
            received=f"{len(view)} bytes; {type(error).__name__}: {error}",
            where=where,
            fix="pack them again",
        ) from error


def from_old_json(value: Any) -> Any:
    """Decode JSON with bytes, tuples and dicts in the form of earlier versions.

    >>> from_old_json([{"tuple": [1, {"bytes": "a"}]}, {"map": {"k": 2}}])
    [(1, b'a'), {'k': 2}]
    """
    if isinstance(value, list):
        return [from_old_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "bytes":
        return content.encode("latin-1")
    if kind == "tuple":
        return tuple(from_old_json(item) for item in content)
    return {key: from_old_json(item) for key, item in content.items()}


def _packed(name: str, array: Any) -> tuple[bytes, str]:
    """The bytes of an array or scalar, and its kind in the table."""
    if not isinstance(array, (np.ndarray, np.generic)):
        if type(array) not in _PYTHON_SCALARS:
            raise _unpackable(name, f"a {type(array).__qualname__}")
        return exact_json.dumps(array).encode(), _PYTHON
    if array.dtype == object:
        try:
            return exact_json.dumps(array.ravel().tolist(), "target").encode(), _OBJECTS
        except DataError as error:
            raise _unpackable(name, error.received or error.what) from error
    if array.dtype.kind not in "biufcSUmM":
        raise _unpackable(name, f"an array of {array.dtype}")
    kind = array.dtype.str if isinstance(array, np.ndarray) else _SCALAR + array.dtype.str
    return np.ascontiguousarray(array).tobytes(), kind


def _unpackable(name: str, received: object) -> DataError:
    return DataError(
        f"The target {name!r} cannot be packed so that it would come back as it is",
        expected="numbers, texts, or objects of these, bytes, lists, tuples and dicts",
        received=received,
        fix="an array of numbers for each part, or leave the target out",
    )


def _inflated(part: memoryview, kind: str, shape: list[int]) -> bytes:
    """Decompress an array. Raises ValueError if its size does not match its shape."""
    if kind in _TEXTS:
        limit = _MAX_TEXT
    else:
        limit = math.prod(shape) * np.dtype(kind.replace(_SCALAR, "")).itemsize
    inflater = zlib.decompressobj()
    raw = inflater.decompress(part, max(limit, 0) + 1)
    if len(raw) > limit or not inflater.eof:
        raise ValueError(f"more or fewer than {limit} bytes for an array")
    return raw


def _unpacked(raw: bytes | memoryview, kind: str, shape: list[int]) -> Any:
    if kind in _TEXTS:
        text = bytes(raw)
        is_old = kind in (_OLD_OBJECTS, _OLD_PYTHON)
        value = from_old_json(json.loads(text)) if is_old else exact_json.loads(text)
        if kind in (_PYTHON, _OLD_PYTHON):
            return value
        array = np.empty(len(value), object)
        for index, item in enumerate(value):
            array[index] = item
        return array.reshape(shape)
    if kind.startswith(_SCALAR):
        return np.frombuffer(raw, np.dtype(kind[len(_SCALAR) :])).reshape(())[()]
    return np.frombuffer(raw, np.dtype(kind)).reshape(shape).copy()
