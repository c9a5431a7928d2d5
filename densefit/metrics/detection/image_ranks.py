"""Order of images by id."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def image_ranks(ids: Sequence[str]) -> np.ndarray:
    """Rank each image by its id, (n,) int64.

    Whole numbers, also negative ones, go by value (as the COCO evaluation orders its image ids),
    before all other ids.

    >>> image_ranks(["10", "b", "9", "a", "-1"])
    array([2, 4, 1, 3, 0])
    """

    def key(index: int) -> tuple[bool, int, str]:
        name = ids[index]
        digits = name[1:] if name.startswith("-") else name
        return (False, int(name), name) if digits.isdecimal() else (True, 0, name)

    ranks = np.empty(len(ids), np.int64)
    ranks[sorted(range(len(ids)), key=key)] = np.arange(len(ids))
    return ranks
