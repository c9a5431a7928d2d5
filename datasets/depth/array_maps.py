"""Pictures, class masks, depths and normals in files of arrays (.npy)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from densefit.data.io.array_file import read_array
from densefit.datasets.files.masks import IGNORE, check_count
from densefit.errors import DataError

_ROUNDING = 1e-6  # of the length of a unit vector in float32

#: Reads a map: its path, and the (height, width) of its picture.
ReadMap = Callable[[Path, tuple[int, int]], np.ndarray]


def read_picture(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB, of bytes or of numbers from 0 to 1.

    Raises:
        DataError: the file is broken, or of another shape or range.
    """
    values = read_array(path)
    if values.ndim != 3 or values.shape[2] != 3 or 0 in values.shape:
        raise _wrong("picture", "the shape (height, width, 3)", values.shape, path)
    if values.dtype == np.uint8:
        return values.copy()
    low, high = float(values.min()), float(values.max())
    if not -1e-3 <= low <= high <= 1 + 1e-3:  # false where nan
        raise _wrong("picture", "bytes, or numbers from 0 to 1", f"{low:.6g} to {high:.6g}", path)
    return np.asarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8))


class MaskReader:
    """Reads class indices out of numbers, of which -1 (and 255) is no class.

    Args:
        classes: how many classes there are.
    """

    def __init__(self, classes: int) -> None:
        check_count(classes, "masks")
        self.classes = classes

    def __call__(self, path: Path, size: tuple[int, int]) -> np.ndarray:
        """(H, W) uint8 class indices, 255 for no class.

        Args:
            path: of the array.
            size: (height, width) of the picture.

        Raises:
            DataError: the file is broken, or of another shape, or has values of no class.
        """
        values = read_array(path)
        if values.shape != size:
            raise _wrong("mask", f"the shape {size}, as its picture", values.shape, path)
        is_void = (values == -1) | (values == IGNORE)
        whole = np.where(is_void, 0, np.nan_to_num(values, nan=-2.0)).astype(np.int64)
        fits = is_void | ((whole == values) & (whole >= 0) & (whole < self.classes))
        if not fits.all():
            expected = f"whole numbers from -1 to {self.classes - 1}"
            raise _wrong("mask", expected, f"{values[~fits][0]:.6g}", path)
        return np.where(is_void, IGNORE, whole).astype(np.uint8)


def read_depth(path: Path, size: tuple[int, int]) -> np.ndarray:
    """(H, W) float32 metres; 0 where unknown: where they are not above 0, or not finite."""
    values = read_array(path)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.shape != size:
        raise _wrong("depth map", f"the shape {(*size, 1)}, as its picture", values.shape, path)
    depth = values.astype(np.float32)
    return np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(0))


def read_normals(path: Path, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) float32 vectors of length 1; 0 where unknown: where they are 0 or not finite."""
    vectors = read_array(path)
    if vectors.shape != (*size, 3):
        expected = f"the shape {(*size, 3)}, as its picture"
        raise _wrong("map of normals", expected, vectors.shape, path)
    exact = vectors.astype(np.float64)
    length = np.sqrt(np.square(exact).sum(axis=-1, keepdims=True))
    is_known = np.isfinite(length) & (length > 0)
    unit = np.divide(exact, length, out=np.zeros_like(exact), where=is_known)
    # What has length 1 stays as it is, so that written vectors read back equal.
    is_unit = np.abs(length - 1) < _ROUNDING
    return np.where(is_unit, vectors.astype(np.float32), unit.astype(np.float32))


def _wrong(what: str, expected: str, received: object, path: Path) -> DataError:
    return DataError(
        f"An array is no {what}", expected=expected, received=str(received), where=path
    )
