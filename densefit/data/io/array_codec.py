"""Named arrays as bytes and back, equal to the last bit.

The layout: the length of a JSON table (4 bytes, little endian), the table, and the arrays' bytes
one after the other. It is what NumPy's `.npz` would hold, without pickles for objects and without
a file's overhead.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.errors import DataError

_LENGTH = struct.Struct("<I")
# Few bits a pixel in maps of classes: the quickest level already shrinks them a hundredfold.
_LEVEL = 1
_FAULTS = (
    *(struct.error, ValueError, KeyError, TypeError, zlib.error),
    *(AttributeError, IndexError, OverflowError, MemoryError, RecursionError),
)
_MOST_TEXT = 1 << 30  # bytes of an array of objects
_SIMPLE = (bool, int, float, str, bytes)
_PYTHON = "python"  # the kind of a number or text of Python's own
_SCALAR = "scalar "  # before the dtype of a number of numpy's that is no array


def to_bytes(
    arrays: Mapping[str, np.ndarray], note: Mapping[str, Any], compress: bool = True
) -> bytes:
    """The arrays and a note.

    Args:
        arrays: of any dtype; those of objects may hold what JSON can, and bytes. Numbers and texts
            that are no arrays, of Python or numpy, come back as they are, too.
        note: kept beside them, of what JSON can hold.
        compress: make them smaller, which takes time.

    Raises:
        DataError: reading would not give back what an array holds.
    """
    table, parts = [], []
    for name, array in arrays.items():
        if not isinstance(array, (np.ndarray, np.generic)):
            if type(array) not in _SIMPLE:
                raise _unpackable(name, f"a {type(array).__qualname__}")
            raw, kind = json.dumps(plain(array)).encode(), _PYTHON
            part = zlib.compress(raw, _LEVEL) if compress else raw
            table.append([name, kind, [], len(part)])
            parts.append(part)
            continue
        if array.dtype == object:
            values = array.ravel().tolist()
            if not _comes_back(values):
                raise _unpackable(name, "objects of other kinds")
            raw = json.dumps(plain(values)).encode()
            kind = "object"
        elif array.dtype.kind not in "biufcSUmM":
            raise _unpackable(name, f"an array of {array.dtype}")
        else:
            raw, kind = np.ascontiguousarray(array).tobytes(), array.dtype.str
            kind = kind if isinstance(array, np.ndarray) else _SCALAR + kind
        part = zlib.compress(raw, _LEVEL) if compress else raw
        table.append([name, kind, list(array.shape), len(part)])
        parts.append(part)
    head = json.dumps({"note": dict(note), "compressed": compress, "arrays": table}).encode()
    return b"".join([_LENGTH.pack(len(head)), head, *parts])


def from_bytes(data: bytes | memoryview, where: object) -> tuple[dict[str, np.ndarray], Any]:
    """What `to_bytes` was given: writable arrays of their own, and the note.

    Args:
        data: the bytes.
        where: they come from, for an error.

    Raises:
        DataError: the bytes are not such a layout.
    """
    view = memoryview(data)
    try:
        start = _LENGTH.size + _LENGTH.unpack_from(view)[0]
        head = json.loads(bytes(view[_LENGTH.size : start]))
        arrays = {}
        for name, kind, shape, length in head["arrays"]:
            part = view[start : start + length]
            start += length
            arrays[name] = _array(
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


def _comes_back(value: Any) -> bool:
    """Whether `whole` gives again what `plain` is given, but for numpy's numbers, then plain."""
    if type(value) in (list, tuple):
        return all(map(_comes_back, value))
    if type(value) is dict:
        return all(type(key) is str and _comes_back(one) for key, one in value.items())
    return value is None or isinstance(value, (np.number, np.bool_)) or type(value) in _SIMPLE


def _unpackable(name: str, what: str) -> DataError:
    return DataError(
        f"The target {name!r} cannot be packed so that it would come back as it is",
        expected="numbers, texts, or objects of these, bytes, lists, tuples and dicts with texts "
        "as keys",
        received=what,
        fix="an array of numbers for each part, or leave the target out",
    )


def _inflated(part: memoryview, kind: str, shape: list[int]) -> bytes:
    """The bytes of an array, which are no more than its shape needs; ValueError of others."""
    if kind in ("object", _PYTHON):
        most = _MOST_TEXT
    else:
        most = math.prod(shape) * np.dtype(kind.replace(_SCALAR, "")).itemsize
    inflater = zlib.decompressobj()
    raw = inflater.decompress(part, max(most, 0) + 1)
    if len(raw) > most or not inflater.eof:
        raise ValueError(f"more or fewer than {most} bytes for an array")
    return raw


def _array(raw: bytes | memoryview, kind: str, shape: list[int]) -> Any:
    if kind == _PYTHON:
        return whole(json.loads(bytes(raw)))
    if kind.startswith(_SCALAR):
        return np.frombuffer(raw, np.dtype(kind[len(_SCALAR) :])).reshape(())[()]
    if kind != "object":
        return np.frombuffer(raw, np.dtype(kind)).reshape(shape).copy()
    values = json.loads(bytes(raw))
    array = np.empty(len(values), object)
    for place, value in enumerate(values):
        array[place] = whole(value)
    return array.reshape(shape)


def plain(value: Any) -> Any:
    """`value` with bytes (of run lengths) as texts that say so."""
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, Mapping):
        return {"map": {key: plain(one) for key, one in value.items()}}
    if isinstance(value, tuple):
        return {"tuple": [plain(one) for one in value]}
    if isinstance(value, np.generic):
        return value.item()
    return [plain(one) for one in value] if isinstance(value, list) else value


def whole(value: Any) -> Any:
    """What `plain` was given."""
    if isinstance(value, list):
        return [whole(one) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, inside),) = value.items()
    if kind == "bytes":
        return inside.encode("latin-1")
    if kind == "tuple":
        return tuple(whole(one) for one in inside)
    return {key: whole(one) for key, one in inside.items()}
