"""Area and extent of polygons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul

from .annotation import Box


def extent(polygon: Sequence[float]) -> Box:
    """x1, y1, x2, y2 around a polygon [x, y, x, y, ...]; nan if a coordinate is nan.

    >>> extent([3, 1, 5, 2, 4, 7])
    (3, 1, 5, 7)
    """
    if any(value != value for value in polygon):
        return (float("nan"),) * 4
    xs, ys = polygon[::2], polygon[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def polygon_area(polygon: Sequence[float]) -> float:
    """Area of a polygon [x, y, x, y, ...] without crossings; 0 if that is no finite number.

    >>> polygon_area([1, 1, 4, 1, 4, 3, 1, 3])
    6.0
    """
    x, y = list(polygon[::2]), list(polygon[1::2])
    area = sum(map(mul, x, y[1:] + y[:1])) - sum(map(mul, y, x[1:] + x[:1]))
    return abs(area) / 2 if math.isfinite(area) else 0.0
