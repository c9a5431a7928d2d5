"""Columns of COCO records: boxes, areas of masks, keypoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from .json_records import Records

BOX = "[x, y, width, height]"


def boxes(records: Records) -> np.ndarray:
    """Read `bbox` as in the file, (n, 4) float64; raise DataError for a negative size."""
    boxes_xywh = records.vectors("bbox", 4, BOX)
    negative = np.flatnonzero((boxes_xywh[:, 2:] < 0).any(axis=1))
    if len(negative):
        raise records.error(
            int(negative[0]),
            "A box has a negative size",
            expected=BOX,
            received=boxes_xywh[negative[0]].tolist(),
            fix="are these boxes [x1, y1, x2, y2] with the corners swapped? convert them",
        )
    return boxes_xywh


def mask_areas(masks: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Areas of masks in pixels, (n,) float64."""
    return np.array(coco.area(list(masks)) if len(masks) else [], np.float64)


def keypoints(records: Records, count: int) -> np.ndarray:
    """Read keypoints, (n, count, 3) float64: x, y, visibility."""
    points = records.vectors("keypoints", 3 * count, f"x, y, v of {count} keypoints")
    return points.reshape(-1, count, 3)


def by_picture(
    columns: Mapping[str, Any], image_indices: np.ndarray, count: int
) -> Iterator[dict[str, Any]]:
    """Iterate over the columns of each of `count` images, rows in the file's order."""
    order = np.argsort(image_indices, kind="stable")
    bounds = np.searchsorted(image_indices[order], np.arange(count + 1))
    for first, last in zip(bounds, bounds[1:]):
        rows = order[first:last]
        yield {
            name: column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows]
            for name, column in columns.items()
        }
