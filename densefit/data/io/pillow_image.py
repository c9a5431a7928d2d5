"""Decode images by Pillow where OpenCV loses information: palette indices, and GIF files.

`Image.open` would try all of Pillow's readers, and its EPS reader starts Ghostscript.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from densefit.data.io.image_header import bits_of, has_few_bits
from densefit.data.io.image_limits import check_pixels
from densefit.errors import DataError

_READERS: dict[str, Any] = {
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "PNM": PpmImagePlugin.PpmImageFile,
}
# Pillow stretches grey values of few bits to 0..255; they are converted back to 0..2^bits-1. Values
# of 1 bit are bool.
_GREY_STEP = {2: 85, 4: 17}

_MOST_CHECKED = 1 << 20
_checked: set[int] = set()  # hashes of files whose data were decoded here


def check_once(data: bytes, kind: str, where: object) -> None:
    """Raise DataError if the data of an image are damaged; each file is checked once.

    OpenCV silently returns a partial image for a damaged WebP or TIFF file. Decoding every file
    twice in each epoch would be slow.
    """
    key = hash(data)
    if key in _checked:
        return
    try:
        picture = _READERS[kind](io.BytesIO(data))
    except Exception as error:
        if (
            kind == "TIFF"
        ):  # Pillow lacks formats that OpenCV reads, e.g. 16 bits with three channels
            return
        raise _broken(data, where, error) from error
    with picture:
        try:
            check_pixels(picture.size[::-1], where)
            picture.load()
        except DataError:
            raise
        except Exception as error:  # of a dozen kinds
            raise _broken(data, where, error) from error
    if len(_checked) < _MOST_CHECKED:
        _checked.add(key)


def stored_values(data: bytes, kind: str, where: object) -> tuple[np.ndarray, str]:
    """Stored values of an image: palette indices, grey values, colours.

    Args:
        data: content of the file.
        kind: format of the file, by `kind_of`.
        where: path, for errors.

    Returns:
        (H, W) or (H, W, channels), and Pillow's mode.

    Raises:
        DataError: the file is broken, or the format is not supported here.
    """
    values, mode = _decoded(_with_colour(data) if kind == "BMP" else data, kind, where, None)
    if values.dtype == bool:
        values = values.astype(np.uint8)
    if has_few_bits(data, kind) and (step := _GREY_STEP.get(bits_of(data, kind))):
        values = values // step
    return values, mode


def as_rgb(data: bytes, kind: str, where: object) -> np.ndarray:
    """Decode to (H, W, 3) uint8 RGB; a GIF's first frame. Raises DataError if it is broken.

    PNM files state their maximum value, which OpenCV does not scale by.
    """
    values, mode = _decoded(data, kind, where, "RGB")
    if mode.startswith("I"):  # scaled to 16 bits, and reduced to 8 as in other formats
        values = np.repeat((values >> 8).astype(np.uint8)[..., None], 3, axis=2)
    return values


def _with_colour(data: bytes) -> bytes:
    """Change a BMP file's grey palette to a coloured one; its indices stay the same.

    Pillow drops a grey (or black and white) palette, and then reads 4 or 8 bits as 8 or 1: with an
    error, or with wrong values.
    """
    size = int.from_bytes(data[14:18], "little")
    bits = int.from_bytes(data[24:26] if size == 12 else data[28:30], "little")
    first = 14 + size  # of the palette: blue, green and red of index 0
    if bits not in (4, 8) or len(data) < first + 3 or len({*data[first : first + 3]}) > 1:
        return data
    return data[:first] + bytes([data[first] ^ 1]) + data[first + 1 :]


def _decoded(data: bytes, kind: str, where: object, mode: str | None) -> tuple[np.ndarray, str]:
    if kind not in _READERS:
        raise DataError(
            f"The image cannot be decoded: {kind} files are not read here",
            expected=", ".join(_READERS),
            where=where,
        )
    try:
        with _READERS[kind](io.BytesIO(data)) as picture:
            check_pixels(picture.size[::-1], where)  # a frame may be larger than the first header
            stored = mode is None or picture.mode.startswith("I")
            return np.array(picture if stored else picture.convert(mode)), picture.mode
    except DataError:
        raise
    except Exception as error:  # a dozen kinds come out of Pillow's readers of broken files
        raise _broken(data, where, error) from error


def _broken(data: bytes, where: object, error: Exception) -> DataError:
    return DataError(
        f"The image cannot be decoded: {error or type(error).__name__}",
        received=f"{len(data)} bytes that begin with {data[:8]!r}",
        where=where,
    )
