"""Shares of datasets by their sizes, from proportional to equal."""

from __future__ import annotations

import math
from collections.abc import Sequence

_MAX_EXPONENT = 600.0  # e**710 is no float, and shares are multiplied


def tempered(sizes: Sequence[int], temperature: float) -> list[float]:
    """Return `size^(1 / temperature)` of each, scaled to at most 1 if that overflows.

    >>> tempered([1, 4], 2.0), tempered([400, 400, 30], 0.001)
    ([1.0, 2.0], [1.0, 1.0, 0.0])

    Args:
        sizes: above 0.
        temperature: above 0; 1 for proportional, infinite for equal shares.
    """
    powers = [math.log(size) for size in sizes]
    highest = max(powers)
    if highest / temperature < _MAX_EXPONENT:
        return [size ** (1.0 / temperature) for size in sizes]
    return [math.exp((power - highest) / temperature) for power in powers]
