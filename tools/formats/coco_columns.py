"""Columns of COCO records: boxes, areas of masks, keypoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from .json_records import Records

BOX = "[x, y, width, height]"


def boxes(records: Records) -> np.ndarray:
    """(n, 4) float64 `bbox`, as in the file. Raises DataError for a negative width or height."""
    found = records.vectors("bbox", 4, BOX)
    negative = np.flatnonzero((found[:, 2:] < 0).any(axis=1))
    if len(negative):
        raise records.error(
            int(negative[0]),
            "A box has a negative size",
            expected=BOX,
            received=found[negative[0]].tolist(),
            fix="are these boxes [x1, y1, x2, y2] with the corners swapped? convert them",
        )
    return found


def mask_areas(masks: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """(n,) float64, pixels."""
    return np.array(coco.area(list(masks)) if len(masks) else [], np.float64)


def keypoints(records: Records, count: int) -> np.ndarray:
    """(n, count, 3) float64: x, y, and whether it is labelled, or how visible."""
    found = records.vectors("keypoints", 3 * count, f"x, y, v of {count} keypoints")
    return found.reshape(-1, count, 3)


def by_picture(
    columns: Mapping[str, Any], places: np.ndarray, count: int
) -> Iterator[dict[str, Any]]:
    """The rows of each of `count` pictures, in the file's order."""
    order = np.argsort(places, kind="stable")
    bounds = np.searchsorted(places[order], np.arange(count + 1))
    for first, last in zip(bounds, bounds[1:]):
        rows = order[first:last]
        yield {
            name: column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows]
            for name, column in columns.items()
        }
