"""Initializers of an ONNX model, read from its protobuf without the package `onnx`.

Of `ModelProto`, `GraphProto`, `NodeProto` and `TensorProto` (onnx.proto3) only the fields of names,
operators and numbers are read: https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

_GRAPH = 7  # of ModelProto
_NODE, _INITIALIZER = 1, 5  # of GraphProto
_OPERATOR = 4  # of NodeProto
_DIMENSIONS, _TYPE, _NAME, _RAW, _EXTERNAL = 1, 2, 8, 9, 13  # of TensorProto
_DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("u1"),
    3: np.dtype("i1"),
    6: np.dtype("<i4"),
    7: np.dtype("<i8"),
    9: np.dtype("?"),
    10: np.dtype("<f2"),
    11: np.dtype("<f8"),
    16: np.dtype([("bfloat16", "<u2")]),
}
#: Field of packed numbers -> its dtype; raw bytes are the rule, and these what small ones may use.
_PACKED: dict[int, np.dtype[Any]] = {4: np.dtype("<f4"), 10: np.dtype("<f8")}
_INTEGERS = (5, 7)


def load(data: bytes | bytearray) -> tuple[dict[str, np.ndarray], set[str]]:
    """Parse a model: (initializers by name, operators of its nodes).

    Raises:
        ValueError: the data is not a model, is damaged, or has its numbers in another file.
    """
    graphs = [value for field, value in _fields(memoryview(data)) if field == _GRAPH]
    if len(graphs) != 1 or not isinstance(graphs[0], memoryview):
        raise ValueError("it has no graph")
    arrays: dict[str, np.ndarray] = {}
    operators: set[str] = set()
    for field, value in _fields(graphs[0]):
        if field == _INITIALIZER:
            name, array = _tensor(_bytes(value))
            arrays[name] = array
        elif field == _NODE:
            operators.update(
                _text(entry) for number, entry in _fields(_bytes(value)) if number == _OPERATOR
            )
    return arrays, operators


def _tensor(data: memoryview) -> tuple[str, np.ndarray]:
    name, shape, kind = "", [], 0
    numbers: list[np.ndarray] = []
    raw: memoryview | None = None
    for field, value in _fields(data):
        if field == _DIMENSIONS:
            shape += [value] if isinstance(value, int) else list(_varints(value))
        elif field == _TYPE and isinstance(value, int):
            kind = value
        elif field == _NAME:
            name = _text(value)
        elif field == _RAW:
            raw = _bytes(value)
        elif field in _PACKED:
            numbers.append(np.frombuffer(_bytes(value), _PACKED[field]))
        elif field in _INTEGERS:
            integers = [value] if isinstance(value, int) else list(_varints(value))
            numbers.append(np.array(integers, np.uint64).view(np.int64))
        elif field == _EXTERNAL:
            raise ValueError(f"the numbers of {name!r:.80} are in another file")
    if kind not in _DTYPES or len(shape) > 32:
        raise ValueError(f"{name!r:.80} is of the unknown dtype {kind}")
    dtype, count = _DTYPES[kind], math.prod(shape)
    if raw is not None:
        if len(raw) != count * dtype.itemsize:
            raise ValueError(f"{name!r:.80} is not of the size of its shape")
        return name, np.frombuffer(raw, dtype).reshape(shape)
    values = np.concatenate(numbers) if numbers else np.zeros(0, dtype)
    if values.size != count or dtype.names or dtype == np.float16:
        raise ValueError(f"{name!r:.80} is not of the size of its shape")
    return name, values.astype(dtype).reshape(shape)


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (number, value) of each field of a message.

    Raises:
        ValueError: the message is damaged.
    """
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        kind, value = key & 7, None
        if kind == 0:
            value, position = _varint(data, position)
            yield key >> 3, value
            continue
        if kind == 2:
            size, position = _varint(data, position)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"it is no protobuf: a field of kind {kind}")
        if position + size > len(data):
            raise ValueError(f"it ends at {len(data)}, within a field of {size} bytes")
        yield key >> 3, data[position : position + size]
        position += size


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, and the position behind it."""
    number = 0
    for index in range(10):
        if position + index >= len(data):
            raise ValueError(f"it ends at {len(data)}, within a number")
        byte = data[position + index]
        number |= (byte & 127) << 7 * index
        if byte < 128:
            return number & (2**64 - 1), position + index + 1
    raise ValueError("it is no protobuf: a number of more than 10 bytes")


def _varints(data: memoryview) -> Iterator[int]:
    position = 0
    while position < len(data):
        number, position = _varint(data, position)
        yield number


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("it is no ONNX model: a number in place of a message")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_bytes(value)).decode("utf-8")
