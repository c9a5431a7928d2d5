"""Area and extent of polygons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
    """Area of a polygon [x, y, x, y, ...] that does not cross itself.

    >>> polygon_area([0, 0, 2, 0, 2, 1, 0, 1])
    2.0
    """
    x, y = np.array(polygon[::2], np.float64), np.array(polygon[1::2], np.float64)
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
