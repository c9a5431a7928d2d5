"""Check a segmentation before pycocotools decodes it.

pycocotools trusts: of runs that do not fill their image it gives memory that nobody wrote, and a
polygon with a corner at nan or 1e12 ends the process or takes all memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Any

import numpy as np

from densefit.data.geometry.rle import covered_pixels
from densefit.datasets.files.numbers import FAR

_LONGEST = 4e6  # pixels that an outline may pass; pycocotools needs 80 bytes for each
_AT_ONCE = 20_000  # polygons
_NOWHERE = "has a polygon with a corner that is no number, or far away"
_ENDLESS = f"has a polygon whose outline is longer than {_LONGEST:.0f} pixels"
_CORNERS = 6  # numbers; parts with fewer enclose nothing, and pycocotools would take 4 for a box


def fault(segmentation: Any, size: tuple[int, int]) -> str:
    """The fault of polygons, a list of runs or a string of runs; "" if there is none.

    Parts of fewer than three corners count for nothing, as long as there are others.

    >>> fault([[0, 0, 9, 0, 9, 9]], (10, 10)), fault({"size": [2, 2], "counts": [1, 2]}, (2, 2))
    ('', 'has runs of 3 pixels in a picture of 4')

    Args:
        segmentation: as the file has it.
        size: (height, width) of the image.
    """
    return "".join(faults([segmentation], [size]).values())


def faults(
    segmentations: Sequence[Any],
    sizes: Sequence[tuple[int, int]],
    scales: Sequence[float] | None = None,
) -> dict[int, str]:
    """Index -> fault, of many segmentations at once, which is several times as fast.

    Args:
        segmentations: as the file has them.
        sizes: (height, width) of the image of each.
        scales: what the corners of each are to be multiplied by to be pixels; None: 1.
    """
    wrong: dict[int, str] = {}
    outlines, strings = _Outlines(wrong), {}
    for index, (segmentation, size) in enumerate(zip(segmentations, sizes)):
        if isinstance(segmentation, list):
            why = outlines.take(index, segmentation, 1.0 if scales is None else scales[index])
        elif not isinstance(segmentation, dict) or "counts" not in segmentation:
            why = "has no segmentation of polygons or run lengths"
        elif segmentation.get("size") not in (list(size), tuple(size)):
            why = f"has runs of size {segmentation.get('size')!r:.40}, not {list(size)}"
        elif isinstance(segmentation["counts"], list):
            why = _runs_fault(segmentation["counts"], size[0] * size[1])
        else:
            string = string_of(segmentation["counts"])
            why = "" if string is not None else "has runs that are neither a list nor a string"
            strings[index] = string or b""
        if why:
            wrong[index] = why
    outlines.look()
    covered = covered_pixels(list(strings.values())).tolist()
    for index, pixels in zip(strings, covered):
        area = sizes[index][0] * sizes[index][1]
        if pixels < 0:
            wrong.setdefault(index, "has a broken string of runs")
        elif pixels != area:
            wrong.setdefault(index, f"has runs of {pixels} pixels in a picture of {area}")
    return wrong


def string_of(counts: Any) -> bytes | None:
    """A string of runs as bytes; None for anything else."""
    if isinstance(counts, str):
        return counts.encode() if counts.isascii() else None
    return counts if isinstance(counts, bytes) else None


def usable_parts(polygons: list[Any]) -> list[list[float]]:
    """The polygons that enclose something."""
    return [part for part in polygons if len(part) >= _CORNERS]


def _runs_fault(counts: list[Any], area: int) -> str:
    if not set(map(type, counts)) <= {int} or min(counts, default=0) < 0:
        return "has runs that are not whole numbers from 0"
    total = sum(counts)
    if total == area:
        return ""
    return f"has runs of {total if total < 1e15 else 'endless'} pixels in a picture of {area}"


class _Outlines:
    """Polygons, whose numbers are looked at some thousand polygons at once.

    Args:
        wrong: gets what is wrong, by the index of the segmentation.
    """

    def __init__(self, wrong: dict[int, str]) -> None:
        self._wrong = wrong
        self._owners: list[int] = []
        self._scales: list[float] = []
        self._packed: list[bytes] = []
        self._packers: dict[int, Callable[..., bytes]] = {}  # by how many numbers

    def take(self, index: int, polygons: list[Any], scale: float = 1.0) -> str:
        """What is wrong with their shape; of their numbers, `look` tells."""
        if not polygons:
            return "has an empty segmentation"
        before = len(self._owners)
        for part in polygons:
            if type(part) is not list:
                return "has a segmentation that is no list of polygons"
            count = len(part)
            if count < _CORNERS:
                continue
            if count % 2:
                return "has a polygon with an odd number of coordinates"
            packer = self._packers.get(count)
            if packer is None:
                packer = self._packers[count] = Struct(f"{count}d").pack
            try:
                self._packed.append(packer(*part))
            except (StructError, OverflowError):
                return _NOWHERE
            self._owners.append(index)
            self._scales.append(scale)
        if len(self._owners) == before:
            return "has no polygon of three or more corners"
        if before >= _AT_ONCE:
            self.look()
        return ""

    def look(self) -> None:
        """Look at the numbers of what was taken."""
        if not self._owners:
            return
        numbers = np.frombuffer(b"".join(self._packed))
        starts = np.cumsum([0, *map(len, self._packed[:-1])]) // 8
        scales = np.array(self._scales)
        with np.errstate(invalid="ignore", over="ignore"):
            high = np.maximum.reduceat(numbers, starts) * scales
            low = np.minimum.reduceat(numbers, starts) * scales
        lengths = np.diff(starts, append=len(numbers))
        with np.errstate(invalid="ignore", over="ignore"):
            near = (high <= FAR) & (low >= -FAR)  # also false for nan
            long = near & ((high - low) * lengths > _LONGEST)
        for row in np.flatnonzero(~near):
            self._wrong.setdefault(self._owners[row], _NOWHERE)
        for row in np.flatnonzero(long):
            corners = numbers[starts[row] : starts[row] + lengths[row]].reshape(-1, 2)
            length = np.abs(np.diff(corners, axis=0, append=corners[:1])).sum()
            if length * scales[row] > _LONGEST:
                self._wrong.setdefault(self._owners[row], _ENDLESS)
        self._owners, self._scales, self._packed = [], [], []
