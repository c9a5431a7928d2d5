"""Convert target values to arrays of numbers or integers; errors of targets."""

from __future__ import annotations

import numpy as np

from densefit.errors import DataError


def numbers_of(name: str, values: object) -> np.ndarray:
    """Convert values to an array of numbers. Raises DataError for texts, objects, ragged rows."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of unequal length
        raise DataError(
            f"The target {name!r} is no array: {error}", where=f"target {name!r}"
        ) from error
    if array.dtype.kind not in "iuf" and array.size:
        raise DataError(
            f"The target {name!r} holds no numbers",
            expected="an array, or a list of lists, of numbers",
            received=f"{array.shape} {array.dtype}: {array.ravel()[:4].tolist()}"[:200],
            where=f"target {name!r}",
            fix="int(...), or .astype(int)" if array.dtype.kind == "b" else "",
        )
    return array


def whole_numbers(name: str, values: object) -> np.ndarray:
    """Convert values to int64. Raises DataError for fractional values such as 1.5."""
    array = numbers_of(name, values)
    if array.dtype == np.int64:
        return array
    if array.dtype.kind == "f" and array.size:
        fits = np.isfinite(array) & (array == np.rint(array))
        if not fits.all():
            raise DataError(
                f"The target {name!r} holds numbers that are not whole",
                expected="whole numbers",
                received=f"{array[~fits].ravel()[0]} in {array.shape} {array.dtype}",
                where=f"target {name!r}",
            )
    return array.astype(np.int64)


def wrong_shape(name: str, expected: str, array: np.ndarray) -> DataError:
    """Make the error of a target with the wrong shape."""
    return DataError(
        f"The target {name!r} is of the wrong shape",
        expected=expected,
        received=f"shape {array.shape} {array.dtype}",
        where=f"target {name!r}",
    )


def bad_object(
    name: str,
    row: int,
    count: int,
    what: str,
    expected: str,
    value: object,
    size: tuple[int, int] | None,
    fix: str | None,
) -> DataError:
    """Make the error of one object; names its row, counted from 0, and the image's size."""
    text = value.tolist() if isinstance(value, np.ndarray) else value
    about = "" if size is None else f" in an image {size[1]} pixels wide and {size[0]} high"
    return DataError(
        what,
        expected=expected,
        received=f"{text}{about}",
        where=f"target {name!r}, object {row} of {count} (counted from 0)",
        fix=fix,
    )
