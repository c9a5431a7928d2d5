"""Boxes of a user's sample: in pixels, corners in order, inside of the picture."""

from __future__ import annotations

import numpy as np

from densefit.data.value_check import bad_object, numbers_of, wrong_shape
from densefit.errors import DataError

_XYXY = "x1, y1, x2, y2 in pixels, x1 < x2 and y1 < y2"
#: Boxes that all end here are in parts of the sides; some of those reach a little beyond 1.
_PARTS = 1.5
_MANY = 8  # pixels of a picture's longer side from which on that is certain


def checked_boxes(
    name: str, boxes: object, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Boxes as (n, 4) float32, cut to the picture, as the readers of annotation files do.

    Args:
        name: of the target.
        boxes: what a dataset gave.
        size: (height, width) of the picture.

    Returns:
        The boxes, and (n,) bool which of them have an area; None where all have.

    Raises:
        DataError: corners in the wrong order, not finite, outside of the picture, or in parts of
            its sides.
    """
    array = numbers_of(name, boxes)
    if array.size == 0 and array.ndim <= 2:
        return np.zeros((0, 4), np.float32), None
    if array.ndim != 2 or array.shape[1] != 4:
        raise wrong_shape(name, "(n, 4): " + _XYXY, array)
    array = array.astype(np.float32, copy=False)
    height, width = size
    edge = np.array((width, height), np.float32)
    low, high = array[:, :2], array[:, 2:]
    # Comparisons with nan are false: all that is wrong fails here, at the cost of three of them.
    if not ((low < high).all() and (low >= 0).all() and (high <= edge).all()):
        return _mended(name, array, size)
    if high.max() <= _PARTS and max(size) >= _MANY:
        raise _in_parts(name, array, size)
    return array, None


def _mended(
    name: str, boxes: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Boxes that are not all as they should be. Raises DataError naming the first of those."""
    height, width = size
    low, high = boxes[:, :2], boxes[:, 2:]
    edge = np.array((width, height), np.float32)
    outside = ((low >= edge) | (high <= 0)).any(axis=1) & ~(low == high).any(axis=1)
    for bad, what, fix in (
        (~np.isfinite(boxes).all(axis=1), "is not finite", None),
        (
            (low > high).any(axis=1),
            "has its corners in the wrong order",
            "of x, y, width and height: boxes[:, 2:] += boxes[:, :2]",
        ),
        (
            outside,
            "lies outside of its picture",
            "x comes before y, and both are pixels of this picture, not of a larger or smaller one",
        ),
    ):
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise bad_object(name, row, len(boxes), f"A box {what}", _XYXY, boxes[row], size, fix)
    solid = (low < high).all(axis=1)
    if solid.any() and boxes[solid].max() <= _PARTS and max(size) >= _MANY:
        raise _in_parts(name, boxes, size)
    boxes = boxes.clip(0, (width, height, width, height)).astype(np.float32)
    solid = (boxes[:, :2] < boxes[:, 2:]).all(axis=1)
    return boxes, None if solid.all() else solid


def _in_parts(name: str, boxes: np.ndarray, size: tuple[int, int]) -> DataError:
    return bad_object(
        name,
        0,
        len(boxes),
        "Boxes are in parts of the picture's sides, not in pixels",
        _XYXY,
        boxes[0],
        size,
        "boxes * (width, height, width, height)",
    )
