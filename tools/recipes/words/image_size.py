"""Size of a network's images, as the command line states it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from densefit.errors import ConfigError


def image_size(text: str | None, recipe: Mapping[str, Any]) -> tuple[int, int]:
    """(height, width) of "512x384", or of "512", which is square; by default the recipe's.

    >>> image_size("512x384", {}), image_size(None, {"input_size": [96, 128]})
    ((512, 384), (96, 128))

    Args:
        text: the setting `image_size`.
        recipe: the recipe of a checkpoint.

    Raises:
        ConfigError: it is no size, or neither says one.
    """
    if text is None:
        if "input_size" not in recipe:
            raise ConfigError(
                "The checkpoint does not say which size its images had",
                fix="--image-size HEIGHTxWIDTH",
            )
        height, width = recipe["input_size"]
        return int(height), int(width)
    match = re.fullmatch(r"([1-9]\d*)(?:[x×]([1-9]\d*))?", text)
    if match is None:
        raise ConfigError(
            "This is no size of images",
            expected="HEIGHTxWIDTH",
            received=text,
            fix="--image-size 512x512",
        )
    return int(match[1]), int(match[2] or match[1])
