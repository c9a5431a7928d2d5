"""Masks inside of annotation files: base64, zlib and PNG, none of which may grow without end."""

from __future__ import annotations

import base64
import binascii
import io
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import PngImagePlugin

from densefit.data.io.image_file import check_complete
from densefit.errors import DataError

from .numbers import FAR

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 256 << 20  # of base64
_HEADERS = 1 << 16  # bytes of a PNG that are no pixels
_DEEPEST_PIXEL = 8  # bytes: four channels of 16 bits


@dataclass(frozen=True)
class Bitmap:
    """A mask of a part of an image.

    Attributes:
        mask: (h, w) bool.
        left, top: its first pixel in the image.
    """

    mask: np.ndarray
    left: int
    top: int

    def tight(self) -> Bitmap:
        """The mask without empty rows and columns at its sides; (0, 0) if it has no pixel."""
        rows = np.flatnonzero(self.mask.any(axis=1))
        columns = np.flatnonzero(self.mask.any(axis=0))
        if not len(rows):
            return Bitmap(self.mask[:0, :0], self.left, self.top)
        part = self.mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return Bitmap(part, self.left + int(columns[0]), self.top + int(rows[0]))

    def within(self, size: tuple[int, int]) -> Bitmap:
        """The part that lies in an image of (height, width)."""
        left, top = max(-self.left, 0), max(-self.top, 0)
        right, bottom = max(size[1] - self.left, 0), max(size[0] - self.top, 0)
        return Bitmap(self.mask[top:bottom, left:right], self.left + left, self.top + top)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2 of all its pixels."""
        height, width = self.mask.shape
        return (
            *(float(self.left), float(self.top)),
            *(float(self.left + width), float(self.top + height)),
        )


def decode_base64(text: Any, what: str, where: object) -> bytes:
    """The bytes of a base64 text.

    Args:
        text: of the file.
        what: it is, as errors begin: "A mask".
        where: for errors.

    Raises:
        DataError: it is no text, too long, or not base64.
    """
    if not isinstance(text, str) or not text or len(text) > _MOST_BYTES:
        raise DataError(
            f"{what} is no text in base64",
            expected=f"1 to {_MOST_BYTES:,} characters",
            received=f"{len(text):,} characters" if isinstance(text, str) else f"{text!r:.60}",
            where=where,
        )
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError) as error:
        raise DataError(
            f"{what} is no text in base64: {error}", received=f"{text!r:.60}", where=where
        ) from error


def unzip_png(data: bytes, size: tuple[int, int], where: object) -> bytes:
    """A PNG that is compressed once more by zlib; one that is not is returned as it is.

    Args:
        data: compressed.
        size: (height, width) of the image that the mask lies in; larger data are refused before
            they are in memory.
        where: for errors.

    Raises:
        DataError: the data are broken, or larger than a PNG of the image would be.
    """
    if data.startswith(_PNG):
        return data
    most = _HEADERS + _DEEPEST_PIXEL * size[0] * size[1]
    stream = zlib.decompressobj()
    try:
        png = stream.decompress(data, most)
    except (zlib.error, MemoryError) as error:
        raise DataError(f"A mask cannot be uncompressed: {error}", where=where) from error
    if not stream.eof:
        raise DataError(
            "A mask cannot be uncompressed: the data are larger than the image, or cut short",
            expected=f"at most {most:,} bytes",
            received=f"{len(png):,} bytes and more" if len(png) >= most else f"{len(png):,} bytes",
            where=where,
        )
    return png


def png_mask(png: bytes, size: tuple[int, int], where: object) -> np.ndarray:
    """(h, w) bool of a PNG: what is not transparent, or without transparency, not 0.

    Args:
        png: content of the file.
        size: (height, width) of the image that the mask lies in; a larger mask is refused before
            it is decoded.
        where: for errors.

    Raises:
        DataError: it is no PNG, broken, or larger than the image.
    """
    if not png.startswith(_PNG):
        raise DataError("A mask is no PNG", received=f"{png[:8]!r}", where=where)
    try:
        picture = PngImagePlugin.PngImageFile(io.BytesIO(png))
        if picture.height > size[0] or picture.width > size[1]:
            raise DataError(
                "A mask is larger than its image",
                expected=f"at most {size} (height, width)",
                received=f"{(picture.height, picture.width)}",
                where=where,
            )
        check_complete(png, "PNG", where)
        is_indexed = "transparency" in picture.info
        values = np.asarray(picture.convert("RGBA") if is_indexed else picture)
    except DataError:
        raise
    except Exception as error:  # of a dozen kinds
        raise DataError(f"A mask is a broken PNG: {error}", where=where) from error
    if values.ndim == 3:
        has_alpha = values.shape[2] in (2, 4)
        values = values[..., -1] if has_alpha else values.any(axis=2)
    return np.asarray(values != 0)


def whole_number(value: Any, what: str, where: object) -> int:
    """A position in whole pixels; fractions are cut off.

    Raises:
        DataError: it is no number, or further out than any image reaches.
    """
    if type(value) not in (int, float) or not abs(value) <= FAR:
        raise DataError(
            f"{what} is no position", expected="pixels", received=f"{value!r:.60}", where=where
        )
    return int(value // 1)
