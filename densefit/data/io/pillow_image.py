"""Pictures by Pillow, where OpenCV loses what is needed: the indices of a palette, and GIF files.

`Image.open` would try all of Pillow's readers: the one of EPS starts Ghostscript.
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
# Pillow stretches grey values of few bits to 0..255; they are taken back to 0..2^bits-1. Those of
# 1 bit come as bool.
_GREY_STEP = {2: 85, 4: 17}

_MOST_CHECKED = 1 << 20
_checked: set[int] = set()  # hashes of files whose data were decoded here


def check_once(data: bytes, kind: str, where: object) -> None:
    """Raise DataError if the data of a picture are damaged, when a file is seen for the first time.

    Of a damaged WebP or TIFF file OpenCV gives what came out, without a word; decoding each twice,
    in each epoch, would be slow.
    """
    key = hash(data)
    if key in _checked:
        return
    try:
        picture = _READERS[kind](io.BytesIO(data))
    except Exception as error:
        if kind == "TIFF":  # Pillow lacks what OpenCV knows: 16 bits of three channels, say
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
    """The numbers of a picture as they are stored: indices of a palette, grey values, colours.

    Args:
        data: its file.
        kind: of it, by `kind_of`.
        where: it comes from, for an error.

    Returns:
        (H, W) or (H, W, channels), and Pillow's mode.

    Raises:
        DataError: the file is broken, or of a kind that is not read here.
    """
    values, mode = _decoded(_with_colour(data) if kind == "BMP" else data, kind, where, None)
    if values.dtype == bool:
        values = values.astype(np.uint8)
    if has_few_bits(data, kind) and (step := _GREY_STEP.get(bits_of(data, kind))):
        values = values // step
    return values, mode


def as_rgb(data: bytes, kind: str, where: object) -> np.ndarray:
    """(H, W, 3) uint8 RGB of a picture, of a GIF's first frame. Raises DataError if it is broken.

    PNM files state their largest value, which OpenCV does not scale by.
    """
    values, mode = _decoded(data, kind, where, "RGB")
    if mode.startswith("I"):  # scaled to 16 bits, and cut to 8 as those of other files
        values = np.repeat((values >> 8).astype(np.uint8)[..., None], 3, axis=2)
    return values


def _with_colour(data: bytes) -> bytes:
    """A BMP file whose palette, if it has one, is not grey: its indices are the same.

    Pillow drops a palette of grey (or of black and white), and then reads what are 4 bits, or 8, as
    8 or as 1: with an error, or as other numbers.
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
            f"The picture cannot be decoded: {kind} files are not read here",
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
        f"The picture cannot be decoded: {error or type(error).__name__}",
        received=f"{len(data)} bytes that begin with {data[:8]!r}",
        where=where,
    )
