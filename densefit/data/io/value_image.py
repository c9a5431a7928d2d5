"""Images whose pixels are numbers: measurements, vectors, ids in three channels."""

from __future__ import annotations

import cv2
import numpy as np

from densefit.data.io.image_file import (
    check_complete,
    checked_jpeg_header,
    decode_by_opencv,
    read_file,
    refuse_lossy,
)
from densefit.data.io.image_header import has_few_bits, kind_of
from densefit.data.io.jpeg_decoder import decode_jpeg
from densefit.data.io.jpeg_header import START
from densefit.data.io.pillow_image import stored_values
from densefit.data.io.regular_file import PathLike
from densefit.data.io.white_is_zero import warn_of_white_zero
from densefit.errors import DataError


def read_values(path: PathLike) -> np.ndarray:
    """Decode a grey image of measurements, such as depths in millimetres.

    Returns:
        (H, W) as stored: uint8 (of 1 to 8 bits) or uint16 (PNG), also float32 (TIFF).

    Raises:
        DataError: the file is missing, truncated, not an image, or coloured.
    """
    values = _unchanged(path)
    if values.ndim != 2:
        raise DataError(
            "The image is a coloured one, not one of values",
            expected="a grey image, one number a pixel",
            received=f"shape {values.shape}, {values.dtype}",
            where=path,
        )
    return values


def read_triples(path: PathLike, exact: bool = False) -> np.ndarray:
    """Decode a colour image with three numbers per pixel, such as a vector.

    Args:
        path: the file.
        exact: refuse files with losses, such as JPEGs: the numbers are ids.

    Returns:
        (H, W, 3) as stored: uint8 or uint16, red, green and blue; alpha is dropped.

    Raises:
        DataError: the file is missing, truncated, not an image, or grey.
    """
    values = _unchanged(path, exact)
    if values.ndim != 3 or values.shape[2] < 3:
        raise DataError(
            "The image is a grey one, not one of three values a pixel",
            expected="a coloured image",
            received=f"shape {values.shape}, {values.dtype}",
            where=path,
        )
    return np.ascontiguousarray(values[:, :, 2::-1])  # OpenCV has blue first


def _unchanged(path: PathLike, exact: bool = False) -> np.ndarray:
    """Decode an image without conversion. Raises DataError naming a broken file."""
    data = read_file(path)
    if exact:
        refuse_lossy(data, kind_of(data, path), "ids", path)
    if data[:2] == START:
        head = checked_jpeg_header(data, path)
        image = decode_jpeg(data, head, path)
        return image[..., 0] if head.components == 1 else image[..., ::-1]
    kind = kind_of(data, path)
    warn_of_white_zero(data, kind, path)
    if has_few_bits(data, kind):  # OpenCV rescales them, or cannot read them
        check_complete(data, kind, path)
        return stored_values(data, kind, path)[0]
    return decode_by_opencv(data, kind, path, cv2.IMREAD_UNCHANGED)
