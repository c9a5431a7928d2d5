"""Decode image files to RGB."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np

from densefit.data.io.deep_images import warn_of_lost_bits
from densefit.data.io.image_file import checked_jpeg_header, decode_by_opencv, read_file
from densefit.data.io.image_header import bits_of, kind_of
from densefit.data.io.image_limits import PIXELS
from densefit.data.io.jpeg_decoder import decode_jpeg
from densefit.data.io.jpeg_header import START
from densefit.data.io.pillow_image import as_rgb
from densefit.data.io.regular_file import PathLike
from densefit.errors import DataError
from densefit.old_paths import former_names

# EXIF orientation -> operation that undoes it.
_TURNS: dict[int, Callable[[np.ndarray], Any]] = {
    2: partial(cv2.flip, flipCode=1),
    3: partial(cv2.rotate, rotateCode=cv2.ROTATE_180),
    4: partial(cv2.flip, flipCode=0),
    5: cv2.transpose,
    6: partial(cv2.rotate, rotateCode=cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.flip(cv2.transpose(image), -1),
    8: partial(cv2.rotate, rotateCode=cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def read_image(path: PathLike, exif: bool = True, least: int | None = None) -> np.ndarray:
    """Decode an image of any format that OpenCV reads, or the first frame of a GIF.

    Grey images get three equal channels, alpha is dropped, and 16 bits are reduced to the upper 8,
    with a warning per folder if those are nearly empty (12-bit cameras). `image_limits` has the
    size limits and the policy for damaged JPEGs.

    Args:
        path: the file.
        exif: apply the EXIF orientation, as viewers (and cv2.imread) do. Annotation tools differ:
            pass False if boxes refer to the stored pixels.
        least: decode a JPEG at a half, a quarter or an eighth of its size, as long as its shorter
            side keeps this many pixels. It is several times as fast as decoding and averaging, and
            nearly equal. Not for annotations in pixels of the file.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        DataError: the file is missing, empty, truncated, not an image, or too large.
    """
    return decode_image(read_file(path), path, exif, least)


def decode_image(
    data: bytes | memoryview, where: object, exif: bool = True, least: int | None = None
) -> np.ndarray:
    """Decode the bytes of an image file; see `read_image`.

    Args:
        data: content of the file.
        where: path, for errors.
        exif: see `read_image`.
        least: see `read_image`.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        DataError: the data are truncated, not an image, or too large.
    """
    data = bytes(data)
    try:
        return _decoded(data, where, exif, least)
    except MemoryError as error:
        raise DataError(
            "The image needs more memory than there is",
            where=where,
            fix=f"make it smaller, or set {PIXELS} in the environment to what may be decoded",
        ) from error


def _decoded(data: bytes, where: object, exif: bool, least: int | None) -> np.ndarray:
    """`decode_image`; may raise MemoryError."""
    if data[:2] == START:
        return _jpeg(data, where, exif, least)
    kind = kind_of(data, where)
    if kind in ("GIF", "PNM") and data[:2] not in (b"PF", b"Pf"):
        return as_rgb(data, kind, where)
    if kind == "TIFF" and bits_of(data, kind) in (2, 4):  # OpenCV has no such grey values
        return as_rgb(data, kind, where)
    if kind == "TIFF" and bits_of(data, kind) > 16:  # OpenCV would print a line of its own
        raise DataError(
            "The image is one of measurements, not of colours",
            expected="8 or 16 bits a channel",
            received=f"{bits_of(data, kind)} bits",
            where=where,
            fix="scale the values to 0..255 and write 8 bits",
        )
    image = decode_by_opencv(
        data, kind, where, cv2.IMREAD_COLOR | (0 if exif else cv2.IMREAD_IGNORE_ORIENTATION)
    )
    warn_of_lost_bits(image, data, kind, where)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _jpeg(data: bytes, where: object, exif: bool, least: int | None) -> np.ndarray:
    """`decode_image` of a JPEG."""
    head = checked_jpeg_header(data, where)
    image = decode_jpeg(data, head, where, least)
    turn = _TURNS.get(head.orientation) if exif else None
    return image if turn is None else np.asarray(turn(image))


def planes(image: np.ndarray) -> np.ndarray:
    """Transpose (H, W, 3) uint8 to contiguous (3, H, W), several times as fast as numpy."""
    if not image.size:  # OpenCV refuses an empty image
        return np.ascontiguousarray(image.transpose(2, 0, 1))
    return np.array(cv2.split(image))


__getattr__ = former_names(
    __name__,
    {
        "read_mask": "densefit.data.io.index_image.read_mask",
        "read_ids": "densefit.data.io.index_image.read_ids",
        "read_values": "densefit.data.io.value_image.read_values",
        "read_triples": "densefit.data.io.value_image.read_triples",
    },
)
