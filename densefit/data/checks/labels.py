"""Check image-level labels: the class of an image, or 1 or 0 for each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.data.checks.values import whole_numbers, wrong_shape
from densefit.errors import DataError

_UNKNOWN = -1
_IGNORE = 255


def checked_label(name: str, value: object, names: Sequence[str]) -> np.ndarray:
    """Check the class of an image, () int64; -1 (or 255) if unknown.

    Args:
        name: name of the target.
        value: the dataset's value: a class index or name.
        names: class names of the dataset; may be empty.

    Raises:
        DataError: the value is not a class.
    """
    array = np.asarray(value)
    if array.shape == (1,):
        array = array.reshape(())
    if isinstance(array.item() if array.ndim == 0 else None, str):
        if str(array) not in names:
            raise _no_class(name, repr(str(array)), names)
        return np.array(list(names).index(str(array)), np.int64)
    array = array.astype(np.int64) if array.dtype == bool else whole_numbers(name, array)
    if array.ndim:
        raise wrong_shape(name, "one number; for several classes, `labels`", array)
    if array < _UNKNOWN:
        raise _no_class(name, int(array), names)
    return array


def checked_labels(name: str, values: object) -> np.ndarray:
    """Check multi-label targets, (K,) int64: 1, 0, or -1 where unknown.

    Raises:
        DataError: other values. 255 is accepted, and means unknown.
    """
    array = np.asarray(values)
    array = array.astype(np.int64) if array.dtype == bool else whole_numbers(name, array)
    if array.ndim != 1:
        raise wrong_shape(name, "(classes,)", array)
    wrong = ~((array >= _UNKNOWN) & (array <= 1)) & (array != _IGNORE)
    if wrong.any():
        index = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"The target {name!r} is not a yes or no for each class",
            expected="for each class 1 (the image shows it), 0, or -1 (unknown)",
            received=f"{array[index]} for class {index}",
            where=f"target {name!r}",
            fix="of the indices of what is shown: labels = np.zeros(classes, int); "
            "labels[indices] = 1",
        )
    return array


def _no_class(name: str, value: object, names: Sequence[str]) -> DataError:
    return DataError(
        "An image is of no known class",
        expected=f"an index, -1 for unknown, or a name among {list(names)}"[:200],
        received=value,
        where=f"target {name!r}",
    )
