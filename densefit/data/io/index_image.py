"""Images whose pixels are indices: class masks and maps of object ids."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from densefit.data.io.image_file import check_complete, decode_by_opencv, read_file, refuse_lossy
from densefit.data.io.image_header import kind_of
from densefit.data.io.pillow_image import stored_values
from densefit.data.io.regular_file import PathLike
from densefit.data.io.white_is_zero import warn_of_white_zero
from densefit.errors import DataError


def read_mask(path: PathLike) -> np.ndarray:
    """Decode an image of class indices (grey, or palette, which OpenCV would lose).

    Returns:
        (H, W) uint8.

    Raises:
        DataError: the file is missing, broken, coloured, or holds values above 255.
    """
    return decode_mask(read_file(path), path)


def decode_mask(data: bytes, where: object) -> np.ndarray:
    """Decode the bytes of an image of class indices; see `read_mask`.

    Args:
        data: content of the file.
        where: path, for errors.
    """
    return _indices(data, where, "class indices", 255).astype(np.uint8, copy=False)


def read_ids(path: PathLike) -> np.ndarray:
    """Decode an image of object ids, in 8 or 16 bits.

    Returns:
        (H, W) uint8 or uint16, as the file has it.

    Raises:
        DataError: the file is missing, broken, coloured, or holds values above 65535.
    """
    return decode_ids(read_file(path), path)


def decode_ids(data: bytes, where: object) -> np.ndarray:
    """Decode the bytes of an image of object ids; see `read_ids`.

    Args:
        data: content of the file.
        where: path, for errors.
    """
    values = _indices(data, where, "ids of objects", 65535)
    return values if values.dtype == np.uint8 else values.astype(np.uint16, copy=False)


def _indices(data: bytes, path: Any, what: str, largest: int) -> np.ndarray:
    """(H, W) integers of a grey or palette image, 0 to `largest`."""
    kind = kind_of(data, path)
    refuse_lossy(data, kind, what, path)
    check_complete(data, kind, path)
    warn_of_white_zero(data, kind, path)
    if data[:2] in (b"P2", b"P5"):  # Pillow scales them by the largest value that a file states
        values, mode = decode_by_opencv(data, kind, path, cv2.IMREAD_UNCHANGED), "L"
    else:
        values, mode = stored_values(data, kind, path)
    values = _equal_channel(values)
    if values.ndim != 2:
        raise DataError(
            f"The mask is a colour image, not one of {what}",
            expected="a grey or palette image, one index a pixel",
            received=f"mode {mode}, shape {values.shape}",
            where=path,
            fix="a dataset of colour masks takes colors={class name: [r, g, b]}; "
            f"or convert them to {what}",
        )
    if values.dtype != np.uint8 and values.size:
        if values.dtype.kind not in "iu" or values.min() < 0 or values.max() > largest:
            raise DataError(
                f"The mask holds values that are no {what}",
                expected=f"whole numbers, 0..{largest}",
                received=f"{values.min()}..{values.max()}, mode {mode}",
                where=path,
            )
    return values


def _equal_channel(values: np.ndarray) -> np.ndarray:
    """(H, W) if all channels are equal and nothing is transparent, else `values`."""
    if values.ndim != 3:
        return values
    for part in (values[:1], values):  # the first row tells a photograph from a mask
        opaque = part.shape[2] in (2, 4) and (part[..., -1] == 255).all()
        colours = part[..., :-1] if opaque else part
        if colours.shape[2] not in (1, 3) or (colours != colours[..., :1]).any():
            return values
    return np.ascontiguousarray(values[..., 0])
