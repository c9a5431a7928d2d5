"""Curves of decay."""

from __future__ import annotations

import math


def between(low: float, high: float, part: float) -> float:
    """Interpolate from `low` at part 0 to `high` at part 1, both exactly.

    >>> between(0.1, 0.3, 0.0), between(0.1, 0.3, 1.0)
    (0.1, 0.3)
    """
    return low * (1 - part) + high * part


def half_cosine(part: float) -> float:
    """Half a cosine from 1 at part 0 to 0 at part 1, both exactly.

    >>> half_cosine(0.0), half_cosine(1.0)
    (1.0, 0.0)
    """
    return (1 + math.cos(math.pi * part)) / 2
