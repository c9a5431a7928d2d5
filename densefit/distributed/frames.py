"""Encoding of values on the wire: JSON with numpy arrays behind it; no pickle.

A value is None, a bool, number or string, a numpy array of numbers, or a list, tuple or dict of
values with string keys. Arrays are written as they lie in memory; everything else is JSON.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from densefit.errors import EngineError

_ARRAY = "\0array"  # key of an array's place in the JSON
_KINDS = "biufc"  # bool, integers, floats, complex: dtypes without Python objects
_LENGTH = struct.Struct("<Q")


def encode(value: Any) -> list[bytes | memoryview]:
    """Encode a value as pieces of bytes; arrays are not copied where they are contiguous.

    Raises:
        TypeError: the value holds something else than the types above.
    """
    arrays: list[np.ndarray] = []
    text = json.dumps(_without_arrays(value, arrays)).encode()
    body = [array.reshape(-1).view(np.uint8).data for array in arrays if array.nbytes]
    return [_LENGTH.pack(len(text)), text, *body]


def decode(data: bytes | bytearray | memoryview) -> Any:
    """Decode what `encode` wrote; tuples come back as lists.

    Raises:
        EngineError: the bytes are not an encoded value.
    """
    view = memoryview(data)
    try:
        (length,) = _LENGTH.unpack_from(view)
        start = _LENGTH.size + length
        tree = json.loads(bytes(view[_LENGTH.size : start]))
        value, end = _with_arrays(tree, view, start)
        if end != len(view):
            raise ValueError(f"{len(view) - end} bytes belong to no array")
    except (struct.error, ValueError, TypeError, KeyError, RecursionError) as error:
        raise EngineError(
            "A message between ranks cannot be decoded", received=f"{len(view)} bytes: {error}"
        ) from error
    return value


def _without_arrays(value: Any, arrays: list[np.ndarray]) -> Any:
    """Replace arrays by their dtype and shape, and collect them in order."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in _KINDS:
            kind = "U" if value.dtype.kind == "U" else None
            items = _without_arrays(value.reshape(-1).tolist(), arrays)
            return {_ARRAY: kind, "shape": list(value.shape), "list": items}
        array = np.asarray(value, value.dtype.newbyteorder("<"), order="C")
        arrays.append(array)
        return {_ARRAY: array.dtype.str, "shape": list(array.shape)}
    if isinstance(value, np.generic):
        return _without_arrays(value.item(), arrays)
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"a key between ranks must be a string, not {key!r}")
        return {key: _without_arrays(part, arrays) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(part, arrays) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} cannot be sent between ranks")


def _with_arrays(tree: Any, view: memoryview, start: int) -> tuple[Any, int]:
    """Put the arrays back in; returns (value, end of the arrays that were read)."""
    if isinstance(tree, list):
        items = []
        for part in tree:
            item, start = _with_arrays(part, view, start)
            items.append(item)
        return items, start
    if not isinstance(tree, dict):
        return tree, start
    if _ARRAY in tree:
        return _array(tree, view, start)
    entries = {}
    for key, part in tree.items():
        entries[key], start = _with_arrays(part, view, start)
    return entries, start


def _array(tree: dict[str, Any], view: memoryview, start: int) -> tuple[np.ndarray, int]:
    if "list" in tree:  # strings, or Python's values
        items, start = _with_arrays(tree["list"], view, start)
        return np.array(items, tree[_ARRAY] or object).reshape(tree["shape"]), start
    dtype = np.dtype(tree[_ARRAY])
    if dtype.kind not in _KINDS or any(size < 0 for size in tree["shape"]):
        raise ValueError(f"an array of {dtype} and shape {tree['shape']}")
    count = 1
    for size in tree["shape"]:
        count *= size
    end = start + count * dtype.itemsize
    if end > len(view):
        raise ValueError(f"an array of {count} numbers is cut")
    array = np.frombuffer(view[start:end], dtype, count) if count else np.empty(0, dtype)
    return array.reshape(tree["shape"]).copy(), end
