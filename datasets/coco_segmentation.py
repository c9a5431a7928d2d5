"""What is wrong with a segmentation of a COCO file, asked before pycocotools decodes it.

pycocotools trusts: of runs that do not fill their picture it gives memory that nobody wrote, and a
polygon with a corner at nan or 1e12 ends the process or takes all memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.metrics.coco_rle import pixels

from .numbers import FAR

_LONGEST = 4e6  # pixels that an outline may pass; pycocotools needs 80 bytes for each
_CORNERS = 6  # numbers; parts with fewer enclose nothing, and pycocotools would take 4 for a box


def fault(segmentation: Any, size: tuple[int, int], strings: bool = True) -> str:
    """What is wrong with polygons, a list of runs or a string of runs; "" if nothing.

    Parts of fewer than three corners count for nothing, as long as there are others.

    >>> fault([[0, 0, 9, 0, 9, 9]], (10, 10)), fault({"size": [2, 2], "counts": [1, 2]}, (2, 2))
    ('', 'has runs of 3 pixels in a picture of 4')

    Args:
        segmentation: of the file.
        size: (height, width) of the picture.
        strings: whether strings of runs are decoded; if not, `broken_strings` must be asked.
    """
    if isinstance(segmentation, list):
        return _polygons_fault(segmentation)
    if not isinstance(segmentation, dict) or "counts" not in segmentation:
        return "has no segmentation of polygons or run lengths"
    if segmentation.get("size") not in (list(size), tuple(size)):
        return f"has runs of size {segmentation.get('size')!r:.40}, not {list(size)}"
    counts = segmentation["counts"]
    if isinstance(counts, list):
        return _runs_fault(counts, size[0] * size[1])
    if string_of(counts) is None:
        return "has runs that are neither a list nor a string of COCO's alphabet"
    return "".join(broken_strings([counts], [size]).values()) if strings else ""


def string_of(counts: Any) -> bytes | None:
    """A string of runs as bytes; None if it is none."""
    if isinstance(counts, str):
        return counts.encode() if counts.isascii() else None
    return counts if isinstance(counts, bytes) else None


def broken_strings(
    counts: Sequence[str | bytes], sizes: Sequence[tuple[int, int]]
) -> dict[int, str]:
    """Index -> what is wrong, of the strings of runs that do not fill their picture.

    Args:
        counts: the strings.
        sizes: (height, width) of the picture of each.
    """
    covered = pixels([string_of(one) or b"" for one in counts]).tolist()
    return {
        index: "has a broken string of runs"
        if found < 0
        else f"has runs of {found} pixels in a picture of {height * width}"
        for index, (found, (height, width)) in enumerate(zip(covered, sizes))
        if found != height * width
    }


def _runs_fault(counts: list[Any], area: int) -> str:
    if not set(map(type, counts)) <= {int} or min(counts, default=0) < 0:
        return "has runs that are not whole numbers from 0"
    total = sum(counts)
    if total == area:
        return ""
    return f"has runs of {total if total < 1e15 else 'endless'} pixels in a picture of {area}"


def _polygons_fault(polygons: list[Any]) -> str:
    if not polygons:
        return "has an empty segmentation"
    if not all(isinstance(part, list) for part in polygons):
        return "has a segmentation that is no list of polygons"
    parts = [part for part in polygons if len(part) >= _CORNERS]
    if not parts:
        return "has no polygon of three or more corners"
    for part in parts:
        if len(part) % 2:
            return "has a polygon with an odd number of coordinates"
        try:
            # nan makes the sum nan; whatever is no number makes it fail.
            total, low, high = sum(part), min(part), max(part)
            usable = total == total and -FAR <= low and high <= FAR
        except (TypeError, OverflowError):
            usable = False
        if not usable:
            return "has a polygon with a corner that is no number, or far away"
        if (high - low) * len(part) > _LONGEST and _length(part) > _LONGEST:
            return f"has a polygon whose outline is longer than {_LONGEST:.0f} pixels"
    return ""


def _length(part: list[float]) -> float:
    """How far an outline goes along the axes."""
    corners = np.asarray(part, np.float64).reshape(-1, 2)
    return float(np.abs(np.diff(corners, axis=0, append=corners[:1])).sum())


def usable_parts(polygons: list[Any]) -> list[list[float]]:
    """The polygons that enclose something."""
    return [part for part in polygons if len(part) >= _CORNERS]
