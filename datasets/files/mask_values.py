"""The map from the values of mask files to class indices, as it is given."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Any

from densefit.errors import ConfigError

from .masks import IGNORE

_WHOLE = re.compile(r"[0-9]{1,3}")  # 256 is told apart by the range of values


def value_map(values: Mapping[Any, Any] | None) -> dict[int, int] | None:
    """File value -> class index, where keys may be text, as JSON and command lines have them.

    >>> value_map({"0": 0, 255: 1})
    {0: 0, 255: 1}

    Raises:
        ConfigError: no mapping, something that is no whole number, or one value twice.
    """
    if values is None:
        return None
    if not isinstance(values, Mapping):
        raise _no_map(values)
    numbers: dict[int, int] = {}
    for key, index in values.items():
        text = key.strip() if isinstance(key, str) else ""
        try:
            value = int(text) if _WHOLE.fullmatch(text) else _whole(key)
            index = _whole(index)
        except TypeError:
            raise _no_map({key: index}) from None
        if value in numbers:
            raise ConfigError(
                f"The mask value {value} is mapped twice", received=values, where="values"
            )
        numbers[value] = index
    return numbers


def value_table(
    names: list[str], ignore_value: int | None, values: Mapping[int, int] | None
) -> tuple[list[str], Mapping[int, int] | None]:
    """The names that are classes, and the map from file values to their indices.

    Args:
        names: names of the classes; with `ignore_value` perhaps that value's, too.
        ignore_value: a value behind those of the classes that means "no class".
        values: file value -> class index or 255.

    Raises:
        ConfigError: both are stated, or values or indices are out of range.
    """
    if values is not None:
        wrong = [v for v in values.values() if not (0 <= v < len(names) or v == IGNORE)]
        wrong += [v for v in values if not 0 <= v <= 255]
        if ignore_value is not None or wrong:
            raise ConfigError(
                "The map of mask values is not usable",
                expected=f"0..255 -> 0..{len(names) - 1} or {IGNORE}, and no ignore_value",
                received=f"ignore_value={ignore_value}" if not wrong else f"among it {wrong[:5]}",
                where="MaskFolder",
            )
        return names, values
    if ignore_value is None:
        return names, None
    if not 0 <= ignore_value <= 255 or ignore_value < len(names) - 1:
        raise ConfigError(
            "The value to ignore must come after the classes",
            expected=f"{len(names) - 1} (the last name) to 255",
            received=ignore_value,
            where="MaskFolder",
            fix="for another order, map the values: values={file value: class index or 255}",
        )
    names = names[:ignore_value]
    return names, {**{i: i for i in range(len(names))}, ignore_value: IGNORE}


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    return operator.index(value)


def _no_map(received: object) -> ConfigError:
    return ConfigError(
        "The map of mask values is no map of whole numbers",
        expected="value of the files -> class index, {0: 0, 255: 1}",
        received=f"{received!r:.200}",
        where="values",
    )
