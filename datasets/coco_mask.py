"""Segmentations of COCO painted into one class mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from densefit.errors import DataError

from .masks import IGNORE


def paint(objects: Sequence[Mapping[str, Any]], size: tuple[int, int], where: object) -> np.ndarray:
    """(H, W) uint8: 0 where nothing is, class + 1 where an object is, 255 for crowds.

    Crowds are painted first and then the objects from the largest to the smallest, so that small
    ones stay visible.

    Args:
        objects: with "class", "crowd", "area" and "segmentation" (polygons or run lengths).
        size: (height, width) of the picture.
        where: named in errors.

    Raises:
        DataError: an object has no segmentation or a broken one.
    """
    mask = np.zeros(size, np.uint8)
    for one in sorted(objects, key=lambda one: (not one["crowd"], -one["area"])):
        value = IGNORE if one["crowd"] else one["class"] + 1
        mask[decode(one["segmentation"], size, where)] = value
    return mask


def decode(segmentation: Any, size: tuple[int, int], where: object) -> np.ndarray:
    """(H, W) bool of one segmentation: polygons, run lengths as a list or as a string."""
    height, width = size
    if isinstance(segmentation, list):
        # Parts of fewer than three corners enclose nothing; pycocotools would take them for boxes.
        parts = [part for part in segmentation if isinstance(part, list) and len(part) >= 6]
        usable = len(parts) > 0 and all(len(part) % 2 == 0 for part in parts)
    else:
        usable = isinstance(segmentation, dict) and "counts" in segmentation
        usable = usable and tuple(segmentation.get("size", ())) == size
    if not usable:
        raise DataError(
            "A segmentation is not usable",
            expected=f"polygons of three or more corners, or run lengths of size {list(size)}",
            received=repr(segmentation)[:80],
            where=where,
        )
    if isinstance(segmentation, list):
        runs = coco.merge(coco.frPyObjects(parts, height, width))
    elif isinstance(segmentation["counts"], list):
        runs = coco.frPyObjects(segmentation, height, width)
    else:
        runs = segmentation
    return np.asarray(coco.decode(runs), bool)
