"""Arrays in NumPy's files (.npy)."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from densefit.data.io.image_limits import most_bytes
from densefit.data.io.regular_file import PathLike, read_regular
from densefit.errors import DataError

_format: Any = np.lib.format  # which has no types
_READERS: dict[tuple[int, int], Callable[[Any], tuple[tuple[int, ...], bool, np.dtype]]] = {
    (1, 0): _format.read_array_header_1_0,
    (2, 0): _format.read_array_header_2_0,
}


def read_array(path: PathLike) -> np.ndarray:
    """Read an array of numbers.

    Its header is compared with the bytes behind it first: `np.load` would reserve what a broken
    one promises. Pickled objects are not read.

    Returns:
        The array as stored, of any shape; it cannot be written to.

    Raises:
        DataError: the file is missing, truncated, not an array, or not one of numbers.
    """
    data = read_regular(path, most_bytes(), what="An array")
    file = io.BytesIO(data)
    try:
        shape, is_fortran, dtype = _READERS[_format.read_magic(file)](file)
    except Exception as error:  # the header is Python, of which anything may be wrong
        raise DataError(
            f"An array cannot be read: {error or type(error).__name__}",
            expected="a file of np.save",
            received=f"{len(data):,} bytes",
            where=path,
        ) from None
    if dtype.kind not in "biuf":
        raise DataError("An array is not one of numbers", received=dtype.str, where=path)
    start, size = file.tell(), math.prod(shape) * dtype.itemsize
    if min(shape, default=1) < 0 or len(data) - start != size:
        raise DataError(
            "An array cannot be read: its header does not fit the file",
            expected=f"{size:,} bytes for {shape} {dtype}",
            received=f"{len(data) - start:,} bytes",
            where=path,
        )
    values = np.frombuffer(data, dtype, offset=start)
    return values.reshape(shape, order="F" if is_fortran else "C")
