"""Pictures of object ids, and which id is which annotated box."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from densefit.data.geometry.instance_map import NONE, UNKNOWN, extents
from densefit.data.io.index_image import read_ids
from densefit.errors import DataError

from .masks import IGNORE
from .picture_size import check_map_size

FITS = 0.5  # overlap of a box and the extent of its pixels, at least; VOC's are drawn apart


def read_instances(path: Path, image_path: Path, size: tuple[int, int]) -> np.ndarray:
    """(H, W) uint16 ids, of a picture of 8 or 16 bits.

    In 8 bits 255 is where nothing is known, as VOC has it on the borders of objects; in 16 bits
    255 is an object like any other.

    Args:
        path: the map.
        image_path: its picture, for the message.
        size: (height, width) of the picture.

    Raises:
        DataError: the map is broken or of another size.
    """
    ids = read_ids(path)
    check_map_size("A map of instances", ids.shape, size, path, image_path)
    instances = ids.astype(np.uint16)
    if ids.dtype == np.uint8:
        instances[ids == IGNORE] = UNKNOWN
    return instances


def ids_of_boxes(
    instances: np.ndarray, boxes: np.ndarray, numbers: np.ndarray, where: object
) -> np.ndarray:
    """Which id each box has.

    Ids are meant to count the objects of the annotation, from 1; where the pixels of that id do
    not fit the box, the best one does that is left, the closest pairs first.

    Args:
        instances: (H, W) ids.
        boxes: (n, 4) xyxy in pixels.
        numbers: (n,) the place of each in the annotation, from 1.
        where: the map, for the error.

    Returns:
        (n,) int64; 0 for a box that no id fits.

    Raises:
        DataError: there are boxes and ids, and none fits another.
    """
    ids, around = extents(instances)
    chosen: np.ndarray = np.full(len(boxes), NONE, np.int64)
    if not len(ids) or not len(boxes):
        return chosen
    iou = _iou(np.asarray(boxes, np.float64).reshape(-1, 4), around.astype(np.float64))
    iou[iou < FITS] = 0
    by_number = np.searchsorted(ids, numbers).clip(max=len(ids) - 1)
    right = (ids[by_number] == numbers) & (iou[np.arange(len(boxes)), by_number] > 0)
    chosen[right] = ids[by_number[right]]
    iou[right] = 0
    iou[:, by_number[right]] = 0
    while iou.any():
        box, column = np.unravel_index(int(iou.argmax()), iou.shape)
        chosen[box] = ids[column]
        iou[box], iou[:, column] = 0, 0
    if (chosen == NONE).all():
        raise DataError(
            "A map of instances fits none of the boxes of its picture",
            expected=f"pixels of an id that fill one of {len(boxes)} boxes",
            received=f"{len(ids)} ids, {ids[:5].tolist()} and so on",
            where=where,
            fix="map and annotation do not belong together, or the coordinates count from 0: "
            "then read them with one_based=False",
        )
    return chosen


def _iou(boxes: np.ndarray, around: np.ndarray) -> np.ndarray:
    """(n, k) intersection over union of (n, 4) and (k, 4) xyxy boxes."""
    low = np.maximum(boxes[:, None, :2], around[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], around[None, :, 2:])
    common = (high - low).clip(0).prod(axis=2)
    area, other = ((each[:, 2:] - each[:, :2]).prod(axis=1) for each in (boxes, around))
    return np.asarray(common / np.maximum(area[:, None] + other[None] - common, 1e-12))
