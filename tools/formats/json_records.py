"""Columns of a list of objects in a JSON file; errors name the file and the record."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from densefit.errors import DataError

Id = int | str

_WHOLE = "an integer (of any size, but not a rounded one) or a string"


@dataclass(frozen=True)
class Records:
    """A list of objects in a file.

    Attributes:
        items: the objects.
        path: the file.
        name: the list's name in errors: a record is "<path>, <name>[<number from 0>]".
    """

    items: Sequence[dict[str, Any]]
    path: Path
    name: str

    @classmethod
    def of(cls, value: Any, path: Path, name: str) -> Records:
        """Check that `value` is a list of objects."""
        if not isinstance(value, list):
            raise DataError(
                f"{name} are not a list", received=type(value).__name__, where=f"{path}, {name}"
            )
        records = cls(value, path, name)
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                raise records.error(index, "A record is not an object", received=format_value(item))
        return records

    def __len__(self) -> int:
        return len(self.items)

    def where(self, index: int) -> str:
        """Position of a record, for errors."""
        return f"{self.path}, {self.name}[{index}]"

    def error(self, index: int, what: str, **parts: Any) -> DataError:
        """Make an error about a record."""
        return DataError(what, **parts, where=self.where(index))

    def column(self, field: str) -> list[Any]:
        """Values of a field, None where a record lacks it."""
        return [item.get(field) for item in self.items]

    def ids(self, field: str) -> list[Id]:
        """Read ids exactly: integers of 64 bits, or strings."""
        values = self.column(field)
        if not set(map(type, values)) <= {int, str}:
            values = [int(value) if _is_whole(value) else value for value in values]
            self._check(field, values, lambda value: type(value) in (int, str), _WHOLE)
        return values

    def numbers(
        self, field: str, default: Sequence[float] | None = None, least: float = -math.inf
    ) -> np.ndarray:
        """Read finite numbers, (n,) float64.

        Args:
            field: name of the field.
            default: n numbers for the records that lack the field; None if it is required.
            least: smallest valid number.
        """
        values = self.column(field)
        if default is not None:
            values = [
                fallback if value is None else value for value, fallback in zip(values, default)
            ]
        array = _finite(values)
        if array is None or (array < least).any():
            expected = "a finite number" + (f", {least:g} or more" if least > -math.inf else "")
            self._check(field, values, lambda x: _is_number(x) and x >= least, expected)
        return np.asarray(array)

    def vectors(self, field: str, length: int, what: str) -> np.ndarray:
        """Read lists of `length` finite numbers, (n, length) float64.

        Args:
            field: name of the field.
            length: length of each list.
            what: meaning of the numbers, for errors: "[x, y, width, height]".
        """

        def usable(value: Any) -> bool:
            return isinstance(value, list) and len(value) == length and all(map(_is_number, value))

        values, array = self.column(field), None
        if all(type(value) is list and len(value) == length for value in values):
            array = _finite(list(chain.from_iterable(values)))
        if array is None:
            self._check(field, values, usable, f"{length} finite numbers, {what}")
        return np.asarray(array).reshape(-1, length)

    def _check(
        self, field: str, values: Sequence[Any], usable: Callable[[Any], bool], expected: str
    ) -> None:
        """Raise DataError about the first invalid value."""
        for index, value in enumerate(values):
            if not usable(value):
                raise self.error(
                    index,
                    f"A record has no {field}" if value is None else f"{field} is not usable",
                    expected=expected,
                    received=None if value is None else format_value(value),
                )


def format_value(value: Any) -> str:
    """Format a JSON value for a message, shortened."""
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and _finite([value]) is not None


def _is_whole(value: Any) -> bool:
    """Whether a float is a whole number that is represented exactly."""
    return isinstance(value, float) and value.is_integer() and abs(value) < 2**53


def _finite(values: Sequence[Any]) -> np.ndarray | None:
    """Convert to (n,) float64; None unless all are finite numbers (and not bools)."""
    if not set(map(type, values)) <= {int, float}:
        return None
    try:
        array = np.array(values, np.float64)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return array if np.isfinite(array).all() else None
