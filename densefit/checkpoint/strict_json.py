"""JSON that gives back exactly what it was given, also nan, infinities and small arrays.

JSON has no nan and no arrays, and Python's `json` writes the first as text that other readers
refuse. Here such values become objects with one key that begins with "$"; text keys of the user
that begin with "$" get a second one, so that nothing is ever mistaken.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.errors import CheckpointError


def dumps(value: Any) -> str:
    """The JSON text of None, bools, ints, floats, texts, arrays, lists and dicts of these.

    Tuples come back as lists, and numpy scalars as Python numbers.

    >>> dumps({"best": float("nan")})
    '{"best": {"$float": "nan"}}'

    Raises:
        CheckpointError: a value of another type, or a key that is not text; names its place.
    """
    return json.dumps(_encode(value, "state"), allow_nan=False)


def loads(text: str) -> Any:
    """The value that `dumps` was given.

    Raises:
        CheckpointError: the text was not written by `dumps`.
    """
    try:
        return _decode(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
        raise CheckpointError(f"The state is not what densefit writes: {error}") from error


def _encode(value: Any, place: str) -> Any:
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {
            "$array": base64.b64encode(value.tobytes()).decode("ascii"),
            "dtype": value.dtype.str,
            "shape": list(value.shape),
        }
    if isinstance(value, (list, tuple)):
        return [_encode(one, f"{place}[{index}]") for index, one in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise CheckpointError(
                    "The keys of a checkpoint's state are text",
                    received=f"{type(key).__name__} {key!r}",
                    where=place,
                    fix="JSON would turn it into text without a word; use str(key)",
                )
        return {
            f"${key}" if key.startswith("$") else key: _encode(one, f"{place}[{key!r}]")
            for key, one in value.items()
        }
    raise CheckpointError(
        "A checkpoint's state cannot hold this",
        expected="None, bool, int, float, str, numeric array, or lists and dicts of these",
        received=f"{type(value).__name__} {value!r:.80}",
        where=place,
    )


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "$float" in value:
        return float(value["$float"])
    if "$array" in value:
        data = base64.b64decode(value["$array"], validate=True)
        array = np.frombuffer(data, dtype=np.dtype(value["dtype"]))
        return array.reshape(value["shape"]).copy()
    return {key[1:] if key.startswith("$") else key: _decode(one) for key, one in value.items()}
