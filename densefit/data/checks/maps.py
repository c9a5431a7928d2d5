"""Check maps, with a number or vector per pixel: dtypes, sizes and values."""

from __future__ import annotations

import numpy as np

from densefit.data.checks.values import whole_numbers, wrong_shape
from densefit.errors import DataError

_LARGEST = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}


def checked_map(name: str, values: object, size: tuple[int, int]) -> np.ndarray:
    """Check that a map has the image's size; (H, W, 1) becomes (H, W).

    Raises:
        DataError: the map has another size.
    """
    array = np.asarray(values)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.shape[:2] != size:
        raise DataError(
            f"The target {name!r} does not have the size of its image",
            expected=f"{size} (height, width)",
            received=f"shape {array.shape}",
            where=f"target {name!r}",
            fix="height comes first: transpose it" if array.shape[:2] == size[::-1] else None,
        )
    return array


def checked_indices(name: str, values: object, size: tuple[int, int], dtype: type) -> np.ndarray:
    """Check a map of integers, (H, W) of `dtype`: class indices, or ids of objects.

    Integers of other dtypes are converted if they fit, and bool to 0 and 1.

    Raises:
        DataError: a value is not whole or out of range, or the map has another size.
    """
    array = checked_map(name, values, size)
    if array.ndim != 2:
        raise wrong_shape(name, f"{size}: one number a pixel, not a colour", array)
    target_dtype: np.dtype = np.dtype(dtype)
    if array.dtype == target_dtype:
        return array
    if array.dtype == bool:
        return array.astype(target_dtype)
    array = whole_numbers(name, array)
    largest = _LARGEST[target_dtype]
    low, high = array.min(), array.max()
    if low < 0 or high > largest:
        unknown = "255 is what no class is known of" if largest == 255 else "0 is no object"
        raise DataError(
            f"The target {name!r} holds values that are out of range",
            expected=f"0 to {largest}",
            received=f"{low} to {high}",
            where=f"target {name!r}",
            fix=f"{unknown}: mask[mask < 0] = {255 if largest == 255 else 0}" if low < 0 else None,
        )
    return array.astype(target_dtype)


def checked_depth(name: str, values: object, size: tuple[int, int]) -> np.ndarray:
    """Check a depth map in metres, (H, W) float32, 0 where unknown.

    Values that are not finite become unknown, and so does a single negative marker value.

    Raises:
        DataError: integers, whose unit is unknown; several negative values; or another size.
    """
    array = checked_map(name, values, size)
    if array.ndim != 2:
        raise wrong_shape(name, f"{size}: one number a pixel", array)
    if array.dtype.kind != "f":
        raise DataError(
            f"The target {name!r} is in whole numbers, of which the unit is not known",
            expected="float32, metres",
            received=f"{array.dtype}, {array.min()} to {array.max()}" if array.size else None,
            where=f"target {name!r}",
            fix="of millimetres: depth.astype(np.float32) * 0.001",
        )
    array = array.astype(np.float32, copy=False)
    if array.size and not (array.min() >= 0 and array.max() < np.inf):  # false where nan
        array = np.where(np.isfinite(array), array, np.float32(0))
        negative = array[array < 0]
        if negative.size and negative.min() != negative.max():
            raise DataError(
                f"The target {name!r} holds negative depths",
                expected="metres along the camera's axis, 0 where unknown",
                received=f"{negative.min():g} to {negative.max():g}",
                where=f"target {name!r}",
                fix="depth = -depth, where the axis points backwards; 0 where it is unknown",
            )
        array[array < 0] = 0
    return array


def checked_normals(name: str, values: object, size: tuple[int, int]) -> np.ndarray:
    """Check a map of vectors, (H, W, 3) float32; zero, or not finite, where unknown.

    Raises:
        DataError: integers, as in an image file of normals; or another size or shape.
    """
    array = checked_map(name, values, size)
    if array.ndim != 3 or array.shape[2] != 3:
        raise wrong_shape(name, f"{(*size, 3)}: a vector a pixel", array)
    if array.dtype.kind != "f":
        raise DataError(
            f"The target {name!r} is in whole numbers, not vectors",
            expected="float32, components from -1 to 1",
            received=str(array.dtype),
            where=f"target {name!r}",
            fix="of an image of 8 bits: normals.astype(np.float32) / 127.5 - 1",
        )
    return array.astype(np.float32, copy=False)
