"""Files to pixels: pictures and values by OpenCV, class masks by Pillow, broken files by name."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Union

import cv2
import numpy as np
from PIL import Image

from densefit.data.jpeg import START, reduction, scan_of
from densefit.errors import DataError

PathLike = Union[str, "os.PathLike[str]"]

_PNG = b"\x89PNG\r\n\x1a\n"
_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
# Pillow stretches grey PNGs of few bits to 0..255; a class index must be taken back to 0..2^bits-1.
_GREY_STEP = {2: 85, 4: 17}


def read_image(path: PathLike, exif: bool = True, least: int | None = None) -> np.ndarray:
    """Decode a picture of any kind that OpenCV knows.

    Grey pictures get three equal channels, alpha is dropped, 16 bits are cut to 8.

    Args:
        path: the file.
        exif: turn the picture as its EXIF orientation says, as viewers (and cv2.imread) do.
            Annotation tools differ: where boxes belong to the pixels as they are stored, say False.
        least: decode a JPEG at a half, a quarter or an eighth of its size, as long as its shorter
            side keeps so many pixels. That is several times as fast, and close to, but not the same
            as, decoding and then averaging. Not where anything is told in pixels of the file.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        DataError: the file is missing, empty, cut short or no picture.
    """
    return decode_image(_read(path), path, exif, least)


def decode_image(
    data: bytes | memoryview, where: object, exif: bool = True, least: int | None = None
) -> np.ndarray:
    """`read_image` of bytes that were read already.

    Args:
        data: a picture's file.
        where: it comes from, for an error.
        exif: see `read_image`.
        least: see `read_image`.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        DataError: they are cut short or no picture.
    """
    data = bytes(data)
    if not _complete(data):
        raise DataError(
            "The image is cut short: its end is missing",
            received=f"{len(data)} bytes",
            where=where,
            fix="fetch the file again, or take it out of the list",
        )
    flags = _FLAGS[1 if least is None else reduction(data, least)]
    if not exif:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise DataError(f"The image cannot be decoded: {error}", where=where) from error
    if image is None:
        raise DataError(
            "The image cannot be decoded",
            expected="a JPEG, PNG, WebP, BMP or TIFF file",
            received=f"{len(data)} bytes that begin with {data[:8]!r}",
            where=where,
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def read_mask(path: PathLike) -> np.ndarray:
    """Decode a picture whose pixels are class indices (grey, or palette: OpenCV loses those).

    Returns:
        (H, W) uint8.

    Raises:
        DataError: the file is missing, broken, coloured, or holds values above 255.
    """
    return _indices(path, "class indices", 255).astype(np.uint8, copy=False)


def read_ids(path: PathLike) -> np.ndarray:
    """Decode a picture whose pixels are ids of objects, in 8 or 16 bits.

    Returns:
        (H, W) uint8 or uint16, as the file has it.

    Raises:
        DataError: the file is missing, broken, coloured, or holds values above 65535.
    """
    values = _indices(path, "ids of objects", 65535)
    return values if values.dtype == np.uint8 else values.astype(np.uint16, copy=False)


def planes(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 as a contiguous (3, H, W), several times as fast as numpy's transposition."""
    if not image.size:  # nothing that OpenCV takes for a picture
        return np.ascontiguousarray(image.transpose(2, 0, 1))
    return np.array(cv2.split(image))


def _indices(path: PathLike, what: str, largest: int) -> np.ndarray:
    """(H, W) whole numbers of a grey or palette picture, 0 to `largest`."""
    data = _read(path)
    try:
        with Image.open(io.BytesIO(data)) as picture:
            mode = picture.mode
            values = np.asarray(picture)
    except (OSError, SyntaxError, ValueError) as error:  # SyntaxError: Pillow's "broken PNG"
        raise DataError(
            f"The mask cannot be decoded: {error}",
            received=f"{len(data)} bytes that begin with {data[:8]!r}",
            where=path,
        ) from error
    if values.ndim != 2:
        raise DataError(
            f"The mask is a colour picture, not one of {what}",
            expected="a grey or palette picture, one index a pixel",
            received=f"mode {mode}, shape {values.shape}",
            where=path,
            fix=f"convert the colours to {what}",
        )
    if values.dtype == bool:
        values = values.astype(np.uint8)
    if values.dtype != np.uint8 and values.size:
        if not (values.min() >= 0 and values.max() <= largest):
            raise DataError(
                f"The mask holds values that are no {what}",
                expected=f"0..{largest}",
                received=f"{values.min()}..{values.max()}",
                where=path,
            )
    if data[:8] == _PNG and len(data) > 25 and data[25] == 0 and data[24] in _GREY_STEP:
        values = values // _GREY_STEP[data[24]]
    return values


def read_values(path: PathLike) -> np.ndarray:
    """Decode a picture whose pixels are measurements: a depth in millimetres, say.

    Returns:
        (H, W) as stored: uint8 or uint16 (PNG), also float32 (TIFF).

    Raises:
        DataError: the file is missing, cut short, no picture or coloured.
    """
    values = _unchanged(path)
    if values.ndim != 2:
        raise DataError(
            "The picture is a coloured one, not one of values",
            expected="a grey picture, one number a pixel",
            received=f"shape {values.shape}, {values.dtype}",
            where=path,
        )
    return values


def read_triples(path: PathLike) -> np.ndarray:
    """Decode a coloured picture whose pixels are three numbers each, a vector, say.

    Returns:
        (H, W, 3) as stored: uint8 or uint16, red, green and blue; alpha is dropped.

    Raises:
        DataError: the file is missing, cut short, no picture or grey.
    """
    values = _unchanged(path)
    if values.ndim != 3 or values.shape[2] < 3:
        raise DataError(
            "The picture is a grey one, not one of three values a pixel",
            expected="a coloured picture",
            received=f"shape {values.shape}, {values.dtype}",
            where=path,
        )
    return np.ascontiguousarray(values[:, :, 2::-1])  # OpenCV has blue first


def _unchanged(path: PathLike) -> np.ndarray:
    """The numbers of a picture as OpenCV finds them. Raises DataError naming a broken file."""
    data = _read(path)
    values = None
    if _complete(data):
        try:
            values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        except cv2.error as error:
            raise DataError(f"The values cannot be decoded: {error}", where=path) from error
    if values is None:
        raise DataError(
            "The values cannot be decoded",
            expected="a whole PNG or TIFF file",
            received=f"{len(data)} bytes that begin with {data[:8]!r}",
            where=path,
        )
    return np.asarray(values)


def _read(path: PathLike) -> bytes:
    """The bytes of a file. Raises DataError naming it if there are none."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(
            f"The file cannot be read: {error.strerror or error}", where=path
        ) from error
    if not data:
        raise DataError("The file is empty", received="0 bytes", where=path)
    return data


def _complete(data: bytes) -> bool:
    """Whether a JPEG or PNG has its end; trailing bytes are harmless.

    OpenCV decodes a JPEG that was cut short without an error and fills the rest with grey.
    """
    if data[:2] == START:
        scan = scan_of(data)
        return scan > 0 and data.find(b"\xff\xd9", scan) > 0
    if data[:8] == _PNG:
        return data.rfind(b"IEND") > 0
    return True
