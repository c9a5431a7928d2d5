"""Segmentations of COCO files as compressed run lengths, checked: polygons, lists, strings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from densefit.data.geometry.rle import covered_pixels, encode_polygons, encode_runs
from densefit.datasets.objects.segmentation import faults
from densefit.errors import DataError

from .json_records import Records, shown

_FAR = 1e5  # pixels; a corner further out is a mistake, and painting its edge would take for ever


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
    values = records.column(field)
    polygons = [index for index, value in enumerate(values) if isinstance(value, list)]
    faulty = faults([values[index] for index in polygons], [sizes[index] for index in polygons])
    bad = {polygons[number]: why for number, why in faulty.items()}
    for index, (value, size) in enumerate(zip(values, sizes)):
        try:
            if index in bad:
                _check_polygons(value)
                raise DataError(f"A record {bad[index]}")
            found.append(_converted(value, size))
        except DataError as error:
            raise records.error(
                index,
                f"A record has no {field}" if value in (None, []) else error.what,
                expected=error.expected,
                received=None if value in (None, []) else error.received or shown(value),
            ) from None
    covered = covered_pixels([mask["counts"] for mask in found])
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
    """Convert a segmentation; strings become bytes."""
    height, width = size
    if isinstance(value, list):
        _check_polygons(value)
        return encode_polygons(value, size)
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
        return encode_runs(counts, size)
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
