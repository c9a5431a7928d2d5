"""Angles between vectors, and the median of a histogram of angles."""

from __future__ import annotations

import numpy as np


def angles(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Angles between vectors, (...) float64 in degrees, 0 to 180.

    Computed by atan2 of the cross and the dot product, which needs no unit vectors and is exact to
    the last digits everywhere. The cosine is flat near 0 and 180 degrees: there, arccos of the dot
    product of float32 unit vectors is off by some hundredths of a degree.

    >>> float(angles(np.array([0.0, 0.0, 2.0]), np.array([0.0, 3.0, 3.0])))
    45.0

    Args:
        prediction: (..., 3) finite vectors of any length. A vector of length zero is at 90 degrees
            to every other.
        target: (..., 3), as `prediction`.
    """
    ax, ay, az = _planes(prediction)
    bx, by, bz = _planes(target)
    cross = np.sqrt(
        np.square(ay * bz - az * by) + np.square(az * bx - ax * bz) + np.square(ax * by - ay * bx)
    )
    dot = ax * bx + ay * by + az * bz
    degrees = np.degrees(np.arctan2(cross, dot))
    return np.where((cross == 0) & (dot == 0), 90.0, degrees)[()]


def _planes(vectors: np.ndarray) -> np.ndarray:
    """Vectors as (3, ...) float64 with a largest component of 1: no product over- or underflows."""
    planes = np.array(np.moveaxis(vectors, -1, 0), np.float64, order="C")
    largest = np.abs(planes).max(axis=0)
    np.divide(planes, largest, out=planes, where=largest > 0)
    return planes


def median_of(histogram: np.ndarray) -> float:
    """Median of a histogram of angles; nan if it is empty.

    Angles are taken as evenly spread within a bin. The error is below the width of a bin.

    >>> median_of(np.array([3, 1, 0]))
    0.0

    Args:
        histogram: (bins + 1,) counts; bin 0 has the angles that are exactly 0, bin b the angles
            above (b - 1) * w and up to b * w, where w = 180 / bins degrees.
    """
    reached = np.cumsum(histogram)
    total = int(reached[-1])
    if not total:
        return float("nan")
    width = 180.0 / (len(histogram) - 1)
    middle = []
    for rank in ((total - 1) // 2, total // 2):
        bin_ = int(np.searchsorted(reached, rank, side="right"))
        before = reached[bin_] - histogram[bin_]
        within = (rank - before + 0.5) / histogram[bin_]
        middle.append((bin_ - 1 + within) * width if bin_ else 0.0)
    return float(sum(middle) / 2)
