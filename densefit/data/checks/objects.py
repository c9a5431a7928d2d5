"""Check per-box targets: classes, flags, areas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.data.checks.values import bad_object, numbers_of, whole_numbers, wrong_shape
from densefit.errors import DataError
from densefit.registry import nearest


def checked_classes(name: str, values: object, names: Sequence[str]) -> np.ndarray:
    """Check class indices of objects, (n,) int64; class names are converted to indices.

    Args:
        name: name of the target.
        values: the dataset's value.
        names: class names of the dataset; may be empty.

    Raises:
        DataError: a value is not a class.
    """
    array = np.asarray(values)
    if array.dtype != np.int64:
        array = _numbered(name, array, names)
    if array.ndim != 1:
        raise wrong_shape(name, "(n,)", array)
    if array.size and (array.min() < 0 or (names and array.max() >= len(names))):
        row = int(np.flatnonzero((array < 0) | (array >= (len(names) or np.inf)))[0])
        raise bad_object(
            name,
            row,
            len(array),
            "An object is of no known class",
            f"0 to {len(names) - 1}" if names else "0 or more",
            array[row],
            None,
            "classes count from 0, without a background" if names else None,
        )
    return array


def _numbered(name: str, array: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Convert whole numbers, or names of the dataset's classes, to int64 indices."""
    if array.dtype.kind not in "UO" or not all(isinstance(item, str) for item in array.flat):
        return whole_numbers(name, array)
    table = {class_name: index for index, class_name in enumerate(names)}
    for row, value in enumerate(array.tolist()):
        if value not in table:
            raise bad_object(
                name,
                row,
                len(array),
                "An object is of no known class",
                f"an index, or a name among the dataset's classes {list(names)}"[:200],
                repr(value),
                None,
                nearest(value, names) if names else "give the dataset `classes`, its names",
            )
    return np.array([table[value] for value in array.tolist()], np.int64)


def checked_flags(name: str, values: object) -> np.ndarray:
    """Check flags of objects, (n,) bool. Raises DataError unless all are 0, 1 or bool."""
    array = np.asarray(values)
    if array.dtype == bool and array.ndim == 1:
        return array
    if array.size == 0:
        return np.zeros(len(array) if array.ndim else 0, bool)
    if array.dtype.kind not in "iuf" or array.ndim != 1 or not np.isin(array, (0, 1)).all():
        raise DataError(
            f"The target {name!r} is not a yes or no for each object",
            expected="(n,) bool",
            received=f"{array.shape} {array.dtype}: {array.ravel()[:5].tolist()}",
            where=f"target {name!r}",
        )
    return array.astype(bool)


def checked_area(name: str, values: object) -> np.ndarray:
    """Check areas of objects, (n,) float32. Raises DataError unless finite and not negative."""
    array = numbers_of(name, values)
    if array.ndim != 1:
        raise wrong_shape(name, "(n,)", array)
    array = array.astype(np.float32, copy=False)
    if array.size and not (array.min() >= 0 and array.max() < np.inf):  # false of nan
        row = int(np.flatnonzero(~((array >= 0) & (array < np.inf)))[0])
        what = "The area of an object is no number of pixels"
        raise bad_object(name, row, len(array), what, "0 or more", array[row], None, None)
    return array


def checked_rows(name: str, values: np.ndarray, count: int) -> None:
    """Raise DataError unless a per-box target has one row per box."""
    if values.ndim == 0 or len(values) != count:
        raise DataError(
            f"The target {name!r} does not have one row a box",
            expected=f"{count} rows",
            received=f"shape {np.shape(values)}",
            where=f"target {name!r}",
        )
