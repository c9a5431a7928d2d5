"""Check COCO segmentations (polygons, RLE lists and strings) and convert them to RLE."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from densefit.data.geometry.rle import covered_pixels, encode_polygons, encode_runs
from densefit.datasets.objects.segmentation import faults
from densefit.errors import DataError

from .json_records import Records, format_value

_FAR = 1e5  # pixels; a corner further out is a mistake, and drawing its edge would take for ever


def run_lengths(
    records: Records, sizes: Sequence[tuple[int, int]], field: str = "segmentation"
) -> list[dict[str, Any]]:
    """Masks of records as RLE, {"size": [height, width], "counts": bytes}.

    Polygons and uncompressed RLE are converted as in pycocotools (`COCO.annToRLE`).

    Args:
        records: records with polygons, uncompressed or compressed RLE.
        sizes: (height, width) of each record's image.
        field: field that holds the mask.

    Raises:
        DataError: a mask is missing, broken, or of another size than its image.
    """
    masks = []
    values = records.column(field)
    polygons = [index for index, value in enumerate(values) if isinstance(value, list)]
    faulty = faults([values[index] for index in polygons], [sizes[index] for index in polygons])
    bad = {polygons[number]: why for number, why in faulty.items()}
    for index, (value, size) in enumerate(zip(values, sizes)):
        try:
            if index in bad:
                _check_polygons(value)
                raise DataError(f"A record {bad[index]}")
            masks.append(_converted(value, size))
        except DataError as error:
            raise records.error(
                index,
                f"A record has no {field}" if value in (None, []) else error.what,
                expected=error.expected,
                received=None if value in (None, []) else error.received or format_value(value),
            ) from None
    covered = covered_pixels([mask["counts"] for mask in masks])
    wrong = np.flatnonzero(covered != [height * width for height, width in sizes])
    if len(wrong):
        index = int(wrong[0])
        height, width = sizes[index]
        raise records.error(
            index,
            "The runs of a mask do not fill its image",
            expected=f"{height * width} pixels, {height} high and {width} wide",
            received="a broken string" if covered[index] < 0 else f"{covered[index]} pixels",
        )
    return masks


def _converted(value: Any, size: tuple[int, int]) -> dict[str, Any]:
    """Convert a segmentation; strings become bytes."""
    height, width = size
    if isinstance(value, list):
        _check_polygons(value)
        return encode_polygons(value, size)
    if not isinstance(value, dict) or not {"size", "counts"} <= set(value):
        raise DataError(
            "A segmentation has an unknown form",
            expected='polygons [[x, y, ...], ...], or {"size": [height, width], "counts": ...}',
        )
    if value["size"] != [height, width]:
        raise DataError(
            "A mask does not have the size of its image",
            expected=f"[{height}, {width}] (height, width)",
            received=format_value(value["size"]),
        )
    counts = value["counts"]
    if isinstance(counts, list):
        if not set(map(type, counts)) <= {int} or min(counts, default=0) < 0:
            raise DataError("The runs of a mask are not whole numbers from 0")
        if sum(counts) != height * width:
            raise DataError(
                "The runs of a mask do not fill its image",
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
            expected="lists [x, y, x, y, ...] of three or more corners, near the image",
        )
