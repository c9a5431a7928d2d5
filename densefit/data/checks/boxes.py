"""Check boxes: in pixels, corners in order, inside the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from densefit.data.checks.coordinate_units import PARTS, Elsewhere, alone, are_parts
from densefit.data.checks.values import bad_object, numbers_of, wrong_shape
from densefit.errors import DataError

_XYXY = "x1, y1, x2, y2 in pixels, x1 < x2 and y1 < y2"
_OVERHANG = 2.0  # pixels by which any box may exceed its image


class Boxes(NamedTuple):
    """Checked boxes of a sample.

    Attributes:
        array: (n, 4) float32, clipped to the image.
        solid: (n,) bool, whether each box has an area; None if all have.
        lost: row -> original box, for boxes that lost most of their area by clipping.
    """

    array: np.ndarray
    solid: np.ndarray | None = None
    lost: dict[int, list[float]] = {}  # noqa: RUF012 - nobody changes it


def loses_most(box: Sequence[float], cut: Sequence[float]) -> bool:
    """Whether a box loses more than half of its area when clipped to its image.

    An overhang of one or two pixels is no loss, however small the box.

    >>> loses_most((20, 10, 900, 800), (20, 10, 64, 48)), loses_most((-2, 0, 1, 9), (0, 0, 1, 9))
    (True, False)

    Args:
        box: x1, y1, x2, y2 in pixels, finite.
        cut: the clipped box.
    """
    x1, y1, x2, y2 = box
    left, top, right, bottom = cut
    if max(left - x1, top - y1, x2 - right, y2 - bottom) <= _OVERHANG:
        return False
    return 2 * (right - left) * (bottom - top) < (x2 - x1) * (y2 - y1)


def checked_boxes(
    name: str, boxes: object, size: tuple[int, int], elsewhere: Elsewhere = alone
) -> Boxes:
    """Check boxes, and clip them to the image; (n, 4) float32.

    Args:
        name: name of the target.
        boxes: the dataset's value.
        size: (height, width) of the image.
        elsewhere: returns coordinates of other images, called if these may be normalized.

    Raises:
        DataError: corners in the wrong order, not finite, outside the image, or normalized to 0..1.
    """
    array = numbers_of(name, boxes)
    if array.size == 0 and array.ndim <= 2:
        return Boxes(np.zeros((0, 4), np.float32))
    if array.ndim != 2 or array.shape[1] != 4:
        raise wrong_shape(name, "(n, 4): " + _XYXY, array)
    array = array.astype(np.float32, copy=False)
    # Fast path of three reductions for valid boxes; comparisons with nan are false.
    left, top, _, _ = array.min(axis=0).tolist()
    _, _, right, bottom = array.max(axis=0).tolist()
    shortest = (array[:, 2:] - array[:, :2]).min()
    inside = left >= 0 and top >= 0 and right <= size[1] and bottom <= size[0]
    if not (inside and shortest > 0):
        return _mended(name, array, size, elsewhere)
    if right <= PARTS and bottom <= PARTS and are_parts(array, size, elsewhere):
        raise _in_parts(name, array, size)
    return Boxes(array)


def _mended(name: str, boxes: np.ndarray, size: tuple[int, int], elsewhere: Elsewhere) -> Boxes:
    """Clip boxes that exceed the image. Raises DataError naming the first invalid box."""
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
            "lies outside of its image",
            "x comes before y, and both are pixels of this image, not of a larger or smaller one",
        ),
    ):
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise bad_object(name, row, len(boxes), f"A box {what}", _XYXY, boxes[row], size, fix)
    solid = (low < high).all(axis=1)
    if are_parts(boxes[solid], size, elsewhere):
        raise _in_parts(name, boxes, size)
    cut = boxes.clip(0, (width, height, width, height)).astype(np.float32)
    lost = {
        row: box
        for row, box, left in zip(range(len(boxes)), boxes.tolist(), cut.tolist())
        if box != left and loses_most(box, left)
    }
    solid = (cut[:, :2] < cut[:, 2:]).all(axis=1)
    return Boxes(cut, None if solid.all() else solid, lost)


def _in_parts(name: str, boxes: np.ndarray, size: tuple[int, int]) -> DataError:
    return bad_object(
        name,
        0,
        len(boxes),
        "Boxes are fractions of the image's size, not in pixels",
        _XYXY,
        boxes[0],
        size,
        "boxes * (width, height, width, height)",
    )
