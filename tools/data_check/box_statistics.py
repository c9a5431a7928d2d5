"""Sizes, duplicates and frequencies of annotated objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from densefit.tools.data_check.labels import Labels

#: Largest area of COCO's small and medium objects, in pixels.
SMALL, MEDIUM = 32.0**2, 96.0**2
#: Bounds of the histogram: square roots of areas, in pixels.
EDGES = (0, 8, 16, 32, 64, 96, 128, 256, 512)
_ROUNDING = 100.0  # boxes that agree to a hundredth of a pixel are equal


def size_classes(areas: np.ndarray) -> dict[str, int]:
    """Number of small, medium and large objects, by COCO's bounds.

    >>> size_classes(np.array([10.0, 5000.0, 9216.0, 1e6, np.nan]))
    {'small': 1, 'medium': 1, 'large': 2}
    """
    areas = areas[np.isfinite(areas)]
    small, large = int((areas < SMALL).sum()), int((areas >= MEDIUM).sum())
    return {"small": small, "medium": len(areas) - small - large, "large": large}


def size_histogram(areas: np.ndarray) -> list[int]:
    """Number of objects by the square root of their area, between `EDGES` and above the last.

    >>> size_histogram(np.array([1.0, 100.0, 1e6]))
    [1, 1, 0, 0, 0, 0, 0, 0, 1]
    """
    sides = np.sqrt(areas[np.isfinite(areas)].clip(0))
    return [int(count) for count in np.histogram(sides, [*EDGES, np.inf])[0]]


def duplicate_boxes(labels: Labels) -> np.ndarray:
    """Indices of objects whose image has an earlier one of the same class and box."""
    finite = np.flatnonzero(np.isfinite(labels.boxes).all(axis=1) & ~labels.is_crowd)
    if not len(finite):
        return finite
    rounded = np.rint(labels.boxes[finite] * _ROUNDING)
    keys = np.column_stack([labels.images[finite], labels.classes[finite], rounded])
    order = np.lexsort(keys.T[::-1])  # stable, so that the first of equals comes first
    ordered = keys[order]
    equal = (ordered[1:] == ordered[:-1]).all(axis=1)
    return np.sort(finite[order[1:][equal]])


def imbalance(counts: Mapping[int, int], classes: int) -> tuple[float, int, int] | None:
    """(ratio, most frequent class, rarest class) among the classes that occur; None below two.

    >>> imbalance({0: 50, 1: 0, 2: 5}, 3)
    (10.0, 0, 2)
    """
    present = {index: counts[index] for index in range(classes) if counts.get(index, 0)}
    if len(present) < 2:
        return None
    most = max(present, key=lambda index: present[index])
    rarest = min(present, key=lambda index: present[index])
    return present[most] / present[rarest], most, rarest


def named_counts(counts: Mapping[int, int], names: Sequence[str]) -> dict[str, int]:
    """Class name -> count, for all names; indices beyond the names have their number as name."""
    beyond = sorted(index for index in counts if not 0 <= index < len(names))
    named = {name: int(counts.get(index, 0)) for index, name in enumerate(names)}
    return {**named, **{str(index): int(counts[index]) for index in beyond}}
