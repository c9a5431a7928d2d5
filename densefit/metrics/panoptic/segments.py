"""Read and check the segments of an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.metrics.core.arrays import host, index_fix

VOID = 0


@dataclass(frozen=True)
class Segments:
    """Checked segments of an image.

    Attributes:
        map: (H, W) integers, the id of each pixel's segment; 0 is void.
        ids: (n,) int64.
        classes: (n,) int64, class indices.
        crowd: (n,) bool, regions of many objects that are not annotated separately.
    """

    map: np.ndarray
    ids: np.ndarray
    classes: np.ndarray
    crowd: np.ndarray


def segments(part: Mapping[str, Any], classes: int, where: str) -> Segments:
    """Read one image's segments as checked arrays.

    Args:
        part: "map", "ids", "classes", and "crowd" where there is any.
        classes: K, the number of classes.
        where: the image, for errors.

    Raises:
        DataError: a key is missing, shapes differ, an id is not above 0 or comes twice, or there
            is no such class.
    """
    missing = [name for name in ("map", "ids", "classes") if name not in part]
    if missing:
        raise DataError(
            f"Segments lack {', '.join(missing)}",
            received=f"keys {', '.join(part)}",
            where=where,
        )
    pixels = _whole(part["map"], "map", where)
    if pixels.ndim != 2:
        raise DataError(
            "A map of segments is not (height, width)",
            received=f"shape {pixels.shape}",
            where=where,
            fix="turn an image of colours into ids: R + 256 G + 256 * 256 B",
        )
    ids = _whole(part["ids"], "ids", where).astype(np.int64)
    labels = _whole(part["classes"], "classes", where).astype(np.int64)
    is_crowd = part.get("crowd")
    crowd = (
        np.zeros(len(ids), bool) if is_crowd is None else np.asarray(host(is_crowd)).astype(bool)
    )
    for name, column in (("ids", ids), ("classes", labels), ("crowd", crowd)):
        if column.shape != (ids.size,):
            raise DataError(
                f"There is not one of {name} for each segment",
                expected=f"shape ({ids.size},)",
                received=f"shape {column.shape}",
                where=where,
            )
    if (ids <= VOID).any():
        raise DataError(
            "A segment's id is not above 0, which is void",
            received=int(ids.min()),
            where=where,
        )
    if len(np.unique(ids)) < len(ids):
        values, counts = np.unique(ids, return_counts=True)
        raise DataError("Two segments have one id", received=values[counts > 1][0], where=where)
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        raise DataError(
            "A segment has no such class",
            expected=f"0 to {classes - 1}",
            received=f"class {labels[outside][0]} of the segment {ids[outside][0]}",
            where=where,
            fix=index_fix(labels, classes, "correct the class, or the number of classes"),
        )
    return Segments(pixels, ids, labels, crowd)


def _whole(values: Any, name: str, where: str) -> np.ndarray:
    array = np.asarray(host(values))
    if not array.size or array.dtype.kind == "b":
        return array.astype(np.int64)
    if array.dtype.kind not in "iuf":
        raise DataError(
            f"The {name} of the segments are not numbers",
            received=f"dtype {array.dtype}",
            where=where,
        )
    if array.dtype.kind != "f":
        return array
    with np.errstate(invalid="ignore"):  # nan and inf are reported below
        whole = array.astype(np.int64)
    wrong = whole != array
    if wrong.any():
        raise DataError(
            f"The {name} of the segments are not whole numbers",
            received=repr(array[wrong][0].item()),
            where=where,
        )
    return whole
