"""Check keypoints of objects."""

from __future__ import annotations

import numpy as np

from densefit.data.checks.coordinate_units import Elsewhere, alone, are_parts
from densefit.data.checks.values import numbers_of, wrong_shape
from densefit.errors import DataError


def checked_keypoints(
    name: str,
    values: object,
    size: tuple[int, int],
    flip: np.ndarray | None,
    elsewhere: Elsewhere = alone,
) -> np.ndarray:
    """Check keypoints, (n, K, 3) float32: x, y in pixels, and visibility 0, 1 or 2.

    Args:
        name: name of the target.
        values: the dataset's value.
        size: (height, width) of the image.
        flip: (K,) index of each keypoint in a flipped image, if the sample has it.
        elsewhere: returns labelled points of other images, called if these may be normalized.

    Raises:
        DataError: wrong shape, number of keypoints or visibility, normalized coordinates, or a
            labelled point that is not finite.
    """
    array = numbers_of(name, values)
    if array.ndim != 3 or array.shape[2] != 3:
        if array.size == 0 and array.ndim < 3:
            return np.zeros((0, 0 if flip is None else len(flip), 3), np.float32)
        raise wrong_shape(name, "(n, K, 3): x, y in pixels, and visibility 0, 1 or 2", array)
    if flip is not None and len(flip) != array.shape[1]:
        raise DataError(
            f"The target {name!r} has not as many keypoints as their mirrored order",
            expected=f"{len(flip)} keypoints",
            received=f"shape {array.shape}",
            where=f"target {name!r}",
        )
    array = array.astype(np.float32, copy=False)
    seen = array[..., 2]
    if not ((seen == 0) | (seen == 1) | (seen == 2)).all():
        row = np.argwhere(~((seen == 0) | (seen == 1) | (seen == 2)))[0]
        raise _bad_point(name, row, "The visibility of a keypoint is none", array, size)
    labelled = seen > 0
    if not np.isfinite(array).all():
        bad = labelled & ~np.isfinite(array).all(axis=-1)
        if bad.any():
            raise _bad_point(name, np.argwhere(bad)[0], "A keypoint is not finite", array, size)
        array = np.where(labelled[..., None], array, np.float32(0))
    if labelled.sum() > 1:
        labelled_points = array[..., :2][labelled]
        if (
            labelled_points.max() <= 1
            and labelled_points.min() >= 0
            and are_parts(labelled_points, size, elsewhere)
        ):
            what = "Keypoints are fractions of the image's size, not in pixels"
            raise _bad_point(name, np.argwhere(labelled)[0], what, array, size)
    return array


def labelled_coordinates(array: np.ndarray) -> np.ndarray:
    """x, y of the labelled keypoints, (m, 2), from (n, K, 3)."""
    return np.asarray(array[..., :2][array[..., 2] > 0])


def _bad_point(
    name: str, at: np.ndarray, what: str, points: np.ndarray, size: tuple[int, int]
) -> DataError:
    row, number = (int(index) for index in at)
    return DataError(
        what,
        expected="x, y in pixels, and visibility 0 (not labelled), 1 (hidden) or 2 (seen)",
        received=f"{points[row, number].tolist()} in an image {size[1]} pixels wide and "
        f"{size[0]} high",
        where=f"target {name!r}, object {row} of {len(points)}, keypoint {number} (from 0)",
    )
