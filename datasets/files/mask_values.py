"""The map from the values of mask files to class indices, as it is given."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Any

from densefit.errors import ConfigError

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
