"""JSON that round-trips exactly: nan, infinities, bytes, tuples, number keys and numeric arrays.

JSON has no nan, no arrays and only string keys. Python's `json` writes nan in a form that other
readers refuse, and converts other keys to strings. Here such values become objects with one key
that begins with "$"; string keys of the user that begin with "$" get a second "$", so that decoding
is unambiguous.

Input may be damaged or hostile. Only the output of `dumps` is accepted, e.g. no unknown "$" word,
and depth is bounded in addition to the bounds of `strict_json`. `dumps` respects the same bounds.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.data.io.strict_json import MAX_DIGITS, check_size, parse
from densefit.errors import DataError

MAX_DEPTH = 100  # of nested lists and dicts
_PLAIN = 1 << 63  # integers below it are written whatever MAX_DIGITS is
_DTYPE = re.compile(r"[<>|]([iu][1248]|b1|f[248])")
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def dumps(value: Any, name: str = "value", tuples: bool = True) -> str:
    """Serialize None, bools, numbers, texts, bytes, arrays, and lists, tuples and dicts of these.

    Numpy scalars come back as Python numbers.

    >>> dumps({"best": float("nan")}), dumps(("a", 1))
    ('{"best": {"$float": "nan"}}', '{"$tuple": ["a", 1]}')

    Args:
        value: value to write.
        name: name of the value, for errors.
        tuples: False converts tuples to lists, and refuses bytes.

    Raises:
        DataError: a value of another type, a key that is not a string, number or None, or too deep
            nesting, with its path; or a text that is too large for `loads`.
    """
    text = json.dumps(to_json(value, name, tuples), allow_nan=False)
    check_size(text, name)
    return text


def loads(text: str | bytes, name: str = "value") -> Any:
    """Read the value that `dumps` wrote.

    Raises:
        DataError: the text was not written by `dumps`.
    """
    check_size(text, name)
    try:
        return from_json(parse(text))
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
        raise DataError(f"The {name} is not what densefit writes: {error}") from error


def to_json(value: Any, name: str = "value", tuples: bool = True) -> Any:
    """Convert a value to JSON types; see `dumps`."""
    return _Encoder(name, tuples).encode(value, name, 0)


def from_json(value: Any) -> Any:
    """Convert the output of `to_json` back.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: the value is not such output.
    """
    return _decode(value, 0)


@dataclass(frozen=True)
class _Encoder:
    """Encode values as JSON types.

    Attributes:
        name: name of the outermost value, for errors.
        tuples: whether tuples and bytes are preserved.
    """

    name: str
    tuples: bool

    def encode(self, value: Any, path: str, depth: int) -> Any:
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
        if isinstance(value, bytes) and self.tuples:
            return {"$bytes": value.decode("latin-1")}
        if isinstance(value, (list, tuple, Mapping)):
            return self._nested(value, path, depth)
        raise DataError(
            f"The {self.name} cannot hold this",
            expected=f"None, bool, int, float, str, {'bytes, ' * self.tuples}numeric array, or "
            "lists and dicts of these",
            received=f"{type(value).__name__} {value!r:.80}",
            where=path,
        )

    def _nested(
        self, value: list[Any] | tuple[Any, ...] | Mapping[Any, Any], path: str, depth: int
    ) -> Any:
        if depth == MAX_DEPTH:
            raise DataError(
                f"The {self.name} is nested too deep",
                expected=f"at most {MAX_DEPTH} lists and dicts in each other",
                where=f"{path:.200}...",
            )
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                return {"$pairs": self._pairs(value, path, depth + 1)}
            return {
                f"${key}" if key.startswith("$") else key: self.encode(
                    item, f"{path}[{key!r}]", depth + 1
                )
                for key, item in value.items()
            }
        items = [
            # Most are whole numbers, of the states of random generators.
            item
            if type(item) is int and -_PLAIN < item < _PLAIN
            else self.encode(item, f"{path}[{index}]", depth + 1)
            for index, item in enumerate(value)
        ]
        return {"$tuple": items} if isinstance(value, tuple) and self.tuples else items

    def _pairs(self, value: Mapping[Any, Any], path: str, depth: int) -> list[Any]:
        """[key, value] pairs of a mapping with number keys, which JSON would turn into strings."""
        for key in value:
            if key is not None and not isinstance(key, (str, bool, int, float, np.integer)):
                raise DataError(
                    f"A key of the {self.name} is neither text nor a number",
                    received=f"{type(key).__name__} {key!r:.80}",
                    where=path,
                    fix="use str(key)",
                )
        return [
            [self.encode(key, path, depth), self.encode(item, f"{path}[{key!r}]", depth)]
            for key, item in value.items()
        ]


def _decode(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError("lists or objects are nested too deep")
    if isinstance(value, list):
        return [
            item if type(item) is int and depth < MAX_DEPTH else _decode(item, depth + 1)
            for item in value
        ]
    if not isinstance(value, dict):
        return value
    word = next((key for key in value if key.startswith("$") and not key.startswith("$$")), None)
    if word is None:
        return {
            key[1:] if key.startswith("$") else key: _decode(item, depth + 1)
            for key, item in value.items()
        }
    content = value[word]
    if len(value) != (3 if word == "$array" else 1):
        raise ValueError(f"{word} with other keys than its own")
    if word == "$float":
        return _FLOATS[content]
    if word == "$array":
        return _array(content, value["dtype"], value["shape"])
    if word == "$bytes":
        return content.encode("latin-1")
    if word == "$tuple" and isinstance(content, list):
        return tuple(_decode(content, depth))
    if word == "$pairs" and isinstance(content, list):
        return _mapping(content, depth + 1)
    raise ValueError("an unknown word that begins with $")


def _mapping(pairs: list[Any], depth: int) -> dict[Any, Any]:
    mapping: dict[Any, Any] = {}
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError("a pair has two values")
        key = _decode(pair[0], depth)
        if key in mapping or isinstance(key, np.ndarray):
            raise ValueError("a duplicate key, or an array as a key")
        mapping[key] = _decode(pair[1], depth)
    return mapping


def _array(array: str, dtype: str, shape: list[int]) -> np.ndarray:
    if not _DTYPE.fullmatch(dtype):
        raise ValueError(f"an array of {dtype!r:.40}")
    if len(shape) > 32 or any(type(size) is not int or not 0 <= size < 2**40 for size in shape):
        raise ValueError("an array of an impossible shape")
    data = base64.b64decode(array, validate=True)
    return np.frombuffer(data, dtype=np.dtype(dtype)).reshape(shape).copy()
