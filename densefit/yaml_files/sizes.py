"""Settings that are an image's size: in a recipe a number for a square, or HEIGHTxWIDTH."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import MutableMapping
from typing import Any

#: Metadata of a dataclass field of (height, width): `field(default=..., metadata=SIZE)`.
SIZE = {"size": True}
_SIZE = re.compile(r"(\d+)(?:[x×,](\d+))?")


def height_and_width(value: Any) -> list[int] | None:
    """Height and width of 128, "128" or "128x96"; None for another value, such as a list.

    >>> height_and_width(128), height_and_width("128x96"), height_and_width([128, 96])
    ([128, 128], [128, 96], None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    match = _SIZE.fullmatch(str(value).replace(" ", ""))
    return None if match is None else [int(match[1]), int(match[2] or match[1])]


def expand_sizes(settings: MutableMapping[Any, Any], kind: type) -> None:
    """Write sizes of a recipe as lists, in place.

    Args:
        settings: of the recipe.
        kind: dataclass of the settings.
    """
    for field in dataclasses.fields(kind):
        size = height_and_width(settings.get(field.name)) if field.metadata.get("size") else None
        if size is not None:
            settings[field.name] = size
