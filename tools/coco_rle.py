"""Segmentations of COCO files as compressed run lengths, checked: polygons, lists, strings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from pycocotools import mask as coco

from densefit.errors import DataError

from .records import Records, shown

_FAR = 1e5  # pixels; a corner further out is a mistake, and painting its edge would take for ever
_AT_ONCE = 500  # strings whose pixels are counted together


def run_lengths(
    records: Records, sizes: Sequence[tuple[int, int]], field: str = "segmentation"
) -> list[dict[str, Any]]:
    """The masks of records as {"size": [height, width], "counts": bytes}.

    Polygons and lists of runs are converted as pycocotools does it (`COCO.annToRLE`).

    Args:
        records: each with polygons, a list of runs or a string of runs.
        sizes: (height, width) of the picture of each.
        field: that holds them.

    Raises:
        DataError: one is missing, of another size than its picture, or broken.
    """
    found = []
    for index, (value, size) in enumerate(zip(records.column(field), sizes)):
        try:
            found.append(_converted(value, size))
        except DataError as error:
            raise records.error(
                index,
                f"A record has no {field}" if value in (None, []) else error.what,
                expected=error.expected,
                received=None if value in (None, []) else error.received or shown(value),
            ) from None
    covered = pixels([mask["counts"] for mask in found])
    wrong = np.flatnonzero(covered != [height * width for height, width in sizes])
    if len(wrong):
        index = int(wrong[0])
        height, width = sizes[index]
        raise records.error(
            index,
            "The runs of a mask do not fill its picture",
            expected=f"{height * width} pixels, {height} high and {width} wide",
            received="a broken string" if covered[index] < 0 else f"{covered[index]} pixels",
        )
    return found


def _converted(value: Any, size: tuple[int, int]) -> dict[str, Any]:
    """One segmentation; strings are only brought to bytes."""
    height, width = size
    if isinstance(value, list):
        _check_polygons(value)
        return dict(coco.merge(coco.frPyObjects(value, height, width)))
    if not isinstance(value, dict) or not {"size", "counts"} <= set(value):
        raise DataError(
            "A segmentation is of no known kind",
            expected='polygons [[x, y, ...], ...], or {"size": [height, width], "counts": ...}',
        )
    if value["size"] != [height, width]:
        raise DataError(
            "A mask is not of its picture's size",
            expected=f"[{height}, {width}] (height, width)",
            received=shown(value["size"]),
        )
    counts = value["counts"]
    if isinstance(counts, list):
        if not set(map(type, counts)) <= {int} or min(counts, default=0) < 0:
            raise DataError("The runs of a mask are not whole numbers from 0")
        if sum(counts) != height * width:
            raise DataError(
                "The runs of a mask do not fill its picture",
                expected=f"{height * width} pixels, {height} high and {width} wide",
                received=f"{sum(counts)} pixels",
            )
        return dict(coco.frPyObjects(value, height, width))
    if not isinstance(counts, str) or not counts.isascii():
        raise DataError("The runs of a mask are neither a list nor a string of COCO's alphabet")
    return {"size": [height, width], "counts": counts.encode()}


def _check_polygons(polygons: list[Any]) -> None:
    lists = all(isinstance(part, list) for part in polygons)
    numbers = list(chain.from_iterable(polygons)) if lists else []
    if (
        not numbers
        or not set(map(type, numbers)) <= {int, float}
        or not all(abs(number) <= _FAR for number in numbers)  # also catches nan
        or any(len(part) < 6 or len(part) % 2 for part in polygons)
    ):
        raise DataError(
            "A polygon is not usable",
            expected="lists [x, y, x, y, ...] of three or more corners, near the picture",
        )


def pixels(counts: Sequence[bytes]) -> np.ndarray:
    """How many pixels each string of run lengths covers, (n,) int64; -1 if it is broken.

    >>> pixels([b"523", b"^"])
    array([10, -1])
    """
    parts = [counts[i : i + _AT_ONCE] for i in range(0, len(counts), _AT_ONCE)]
    return np.concatenate([np.zeros(0, np.int64), *map(_pixels, parts)])


def _pixels(counts: Sequence[bytes]) -> np.ndarray:
    """The same for fewer.

    A character holds 5 bits of a number, lowest first, and a flag for more to come; the last has
    the sign. From the third on, a number is the difference to the run two places before.
    """
    lengths = np.array([len(string) for string in counts], np.int64)
    broken = lengths == 0
    letters = np.frombuffer(b"".join(counts), np.uint8) - np.uint8(48)
    if not len(letters):
        return np.full(len(counts), -1)
    owner = np.repeat(np.arange(len(counts)), lengths)
    broken[owner[letters > 63]] = True
    ends = (letters & 32) == 0
    closing = np.cumsum(lengths)[lengths > 0] - 1  # each string's last letter
    broken[owner[closing[~ends[closing]]]] = True
    ends[closing] = True
    begins = np.concatenate([[0], np.flatnonzero(ends)[:-1] + 1])
    digits = np.diff(np.append(begins, len(letters)))
    own = owner[begins]
    broken[own[digits > 7]] = True  # more than the 32 bits of a run, and a sign
    values = (letters[begins] & 31).astype(np.int64)
    for place in range(1, min(int(digits.max()), 7)):
        longer = digits > place
        values[longer] |= (letters[begins[longer] + place] & 31).astype(np.int64) << 5 * place
    negative = (letters[begins + digits - 1] & 16) > 0
    values[negative] -= 1 << 5 * np.minimum(digits[negative], 7)
    # A difference stays in every second run from its place on.
    filled = np.flatnonzero(lengths)
    numbers = np.bincount(own, minlength=len(counts))[filled]
    first = np.cumsum(numbers) - numbers
    left = np.repeat(first + numbers, numbers) - np.arange(len(own))  # with itself
    times = (left - 1) // 2 + 1
    times[first] = 1
    covered = np.full(len(counts), -1)
    covered[filled] = np.add.reduceat(values * times, first)
    covered[broken] = -1
    return covered
