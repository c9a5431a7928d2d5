"""JSON that gives back exactly what it was given, also nan, infinities and small arrays.

JSON has no nan, no arrays and no keys but text, and Python's `json` writes the first as text that
other readers refuse and the last as other keys. Here such values become objects with one key that
begins with "$"; text keys of the user that begin with "$" get a second one, so that nothing is ever
mistaken.

What is read may be damaged or hostile. So nothing is taken that `dumps` does not write (bare NaN,
a key that is given twice, an unknown "$" word), and size, depth and length of numbers are bounded
before memory and time are spent on them. `dumps` keeps to the same bounds.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.errors import CheckpointError

MAX_BYTES = 1 << 30  # of text
MAX_VALUES = 10_000_000  # in lists and dicts; some 100 bytes of memory each
MAX_DEPTH = 100  # of lists and dicts within each other
MAX_DIGITS = 1000  # of a number

_DTYPE = re.compile(r"[<>|]([iu][1248]|b1|f[248])")
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def dumps(value: Any) -> str:
    """The JSON text of None, bools, ints, floats, texts, arrays, lists and dicts of these.

    Tuples come back as lists, and numpy scalars as Python numbers.

    >>> dumps({"best": float("nan")})
    '{"best": {"$float": "nan"}}'

    Raises:
        CheckpointError: a value of another type, a key that is no text, number or None, or
            lists in lists without end: names its place. Or more than `loads` would take.
    """
    text = json.dumps(_encode(value, "state", 0), allow_nan=False)
    _check_size(text)
    return text


def loads(text: str | bytes) -> Any:
    """The value that `dumps` was given.

    Raises:
        CheckpointError: the text was not written by `dumps`.
    """
    _check_size(text)
    try:
        return _decode(parse(text), 0)
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
        raise CheckpointError(f"The state is not what densefit writes: {error}") from error


def parse(text: str | bytes) -> Any:
    """Plain JSON, as the standard has it, without any key given twice.

    Raises:
        ValueError: it is not that, or lists in it lie in each other without end.
    """
    try:
        return json.loads(
            text if isinstance(text, str) else text.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_constant=_refuse,
            parse_float=_float,
            parse_int=_int,
        )
    except RecursionError as error:
        raise ValueError("lists or objects lie too deep in each other") from error


def _encode(value: Any, place: str, depth: int) -> Any:
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        value = value.item()
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and value.bit_length() <= 3 * MAX_DIGITS:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, np.ndarray) and _DTYPE.fullmatch(value.dtype.str):
        return {
            "$array": base64.b64encode(value.tobytes()).decode("ascii"),
            "dtype": value.dtype.str,
            "shape": list(value.shape),
        }
    if isinstance(value, (list, tuple, Mapping)) and depth == MAX_DEPTH:
        raise CheckpointError(
            "A checkpoint's state lies too deep in itself",
            expected=f"at most {MAX_DEPTH} lists and dicts in each other",
            where=f"{place:.200}...",
        )
    if isinstance(value, (list, tuple)):
        return [_encode(one, f"{place}[{index}]", depth + 1) for index, one in enumerate(value)]
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            return {"$pairs": _pairs(value, place, depth + 1)}
        return {
            f"${key}" if key.startswith("$") else key: _encode(one, f"{place}[{key!r}]", depth + 1)
            for key, one in value.items()
        }
    raise CheckpointError(
        "A checkpoint's state cannot hold this",
        expected="None, bool, int, float, str, numeric array, or lists and dicts of these",
        received=f"{type(value).__name__} {value!r:.80}",
        where=place,
    )


def _pairs(value: Mapping[Any, Any], place: str, depth: int) -> list[Any]:
    """[key, value] of a mapping with a number as a key, which JSON would turn into text."""
    for key in value:
        if key is not None and not isinstance(key, (str, bool, int, float, np.integer)):
            raise CheckpointError(
                "A key of a checkpoint's state is neither text nor a number",
                received=f"{type(key).__name__} {key!r:.80}",
                where=place,
                fix="use str(key)",
            )
    return [
        [_encode(key, place, depth), _encode(one, f"{place}[{key!r}]", depth)]
        for key, one in value.items()
    ]


def _decode(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError("lists or objects lie too deep in each other")
    if isinstance(value, list):
        return [_decode(one, depth + 1) for one in value]
    if not isinstance(value, dict):
        return value
    if "$float" in value:
        if len(value) != 1:
            raise ValueError("a float has one key")
        return _FLOATS[value["$float"]]
    if "$array" in value:
        if len(value) != 3:
            raise ValueError("an array has three keys")
        return _array(value["$array"], value["dtype"], value["shape"])
    if "$pairs" in value:
        return _mapping(value, depth + 1)
    if any(key.startswith("$") and not key.startswith("$$") for key in value):
        raise ValueError("an unknown word that begins with $")
    return {
        key[1:] if key.startswith("$") else key: _decode(one, depth + 1)
        for key, one in value.items()
    }


def _mapping(value: dict[str, Any], depth: int) -> dict[Any, Any]:
    if len(value) != 1 or not isinstance(value["$pairs"], list):
        raise ValueError("a mapping by pairs has one key, with a list")
    found: dict[Any, Any] = {}
    for pair in value["$pairs"]:
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError("a pair has two values")
        key = _decode(pair[0], depth)
        if key in found or isinstance(key, np.ndarray):
            raise ValueError("a key is given twice, or is an array")
        found[key] = _decode(pair[1], depth)
    return found


def _array(array: str, dtype: str, shape: list[int]) -> np.ndarray:
    if not _DTYPE.fullmatch(dtype):
        raise ValueError(f"an array of {dtype!r:.40}")
    if len(shape) > 32 or any(type(size) is not int or not 0 <= size < 2**40 for size in shape):
        raise ValueError("an array of an impossible shape")
    data = base64.b64decode(array, validate=True)
    return np.frombuffer(data, dtype=np.dtype(dtype)).reshape(shape).copy()


def _check_size(text: str | bytes) -> None:
    """Refuse what would take too much memory as Python objects."""
    if isinstance(text, str):
        values = sum(text.count(mark) for mark in (",", "[", "{"))
    else:
        values = sum(text.count(mark) for mark in (b",", b"[", b"{"))
    if len(text) > MAX_BYTES or values > MAX_VALUES:
        raise CheckpointError(
            "The state is too large",
            expected=f"at most {MAX_BYTES:,} bytes and {MAX_VALUES:,} values",
            received=f"{len(text):,} bytes, some {values:,} values",
            fix="keep numbers in arrays rather than in lists",
        )


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number is too long")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits) if len(digits) <= MAX_DIGITS else math.inf
    if not math.isfinite(value):
        raise ValueError(f"{digits:.40} is out of range")
    return value
