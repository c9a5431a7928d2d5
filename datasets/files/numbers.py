"""Numbers of annotation files."""

from __future__ import annotations

from typing import Any

#: Pixels; what lies further out is a mistake, not an object that the picture's edge cuts.
FAR = 1e6


def number(value: Any) -> float:
    """A number, or the text of one, as a float; it may be nan or infinite.

    >>> number(3), number(" 2.5 ")
    (3.0, 2.5)

    Raises:
        ValueError: anything else: true, None, a list, 1_000 (which Python alone writes so).
    """
    kind = type(value)
    if kind is float:
        return float(value)
    try:
        if kind is int or (kind is str and "_" not in value):
            return float(value)
    except OverflowError:  # an int of hundreds of digits
        return float("inf") if value > 0 else float("-inf")
    raise ValueError(f"{value!r:.60} is no number")
