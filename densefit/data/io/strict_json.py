"""JSON as the standard defines it: no NaN, no duplicate keys, and bounded in size.

Input may be damaged or hostile: size and length of numbers are bounded before memory and time are
spent on them.
"""

from __future__ import annotations

import json
import math
from typing import Any

from densefit.errors import DataError

MAX_BYTES = 1 << 30  # of text
MAX_VALUES = 10_000_000  # in lists and dicts; some 100 bytes of memory each
MAX_DIGITS = 1000  # of a number


def parse(text: str | bytes) -> Any:
    """Parse standard JSON without duplicate keys.

    Raises:
        ValueError: the text is not valid, or is nested too deep.
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
        raise ValueError("lists or objects are nested too deep") from error


def check_size(text: str | bytes, name: str) -> None:
    """Raise DataError if a text would take too much memory as Python objects.

    Args:
        text: JSON.
        name: name of the value, for the error.
    """
    if isinstance(text, str):
        values = sum(text.count(mark) for mark in (",", "[", "{"))
    else:
        values = sum(text.count(mark) for mark in (b",", b"[", b"{"))
    if len(text) > MAX_BYTES or values > MAX_VALUES:
        raise DataError(
            f"The {name} is too large",
            expected=f"at most {MAX_BYTES:,} bytes and {MAX_VALUES:,} values",
            received=f"{len(text):,} bytes, some {values:,} values",
            fix="keep numbers in arrays rather than in lists",
        )


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a duplicate key")
    return mapping


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
