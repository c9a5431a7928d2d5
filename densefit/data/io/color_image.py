"""Images whose colours are exact codes, such as the colours of classes."""

from __future__ import annotations

import cv2
import numpy as np

from densefit.data.io.image_file import check_complete, decode_by_opencv, read_file, refuse_lossy
from densefit.data.io.image_header import bits_of, kind_of
from densefit.data.io.pillow_image import as_rgb
from densefit.data.io.regular_file import PathLike
from densefit.errors import DataError


def read_color_codes(path: PathLike) -> np.ndarray:
    """Decode an image to the numbers of its colours, 65536 red + 256 green + blue.

    Palette images have the colours of their palette, grey ones three equal parts. Alpha is left
    out, if it is 0, 255 or the same everywhere.

    Returns:
        (H, W) uint32.

    Raises:
        DataError: the file is missing, broken or compressed with loss, has more than 8 bits, or
            is partly transparent at some pixels.
    """
    data = read_file(path)
    kind = kind_of(data, path)
    refuse_lossy(data, kind, "colours", path)
    if bits_of(data, kind) > 8:
        raise _too_deep(f"{bits_of(data, kind)} bits", path)
    if kind in ("GIF", "PNM"):
        check_complete(data, kind, path)
        image = as_rgb(data, kind, path)[..., ::-1]
    else:
        image = decode_by_opencv(data, kind, path, cv2.IMREAD_UNCHANGED)
    if image.dtype != np.uint8:
        raise _too_deep(str(image.dtype), path)
    if image.ndim == 3 and image.shape[2] == 4:
        _check_alpha(image[..., 3], path)
        codes = np.ascontiguousarray(image).view("<u4")[..., 0]
    else:
        conversion = cv2.COLOR_GRAY2BGRA if image.ndim == 2 else cv2.COLOR_BGR2BGRA
        codes = cv2.cvtColor(np.ascontiguousarray(image), conversion).view("<u4")[..., 0]
    return np.asarray(codes & np.uint32(0xFFFFFF))


def _check_alpha(alpha: np.ndarray, path: PathLike) -> None:
    partly = (alpha != 0) & (alpha != 255)
    if partly.any() and alpha.min() != alpha.max():
        raise DataError(
            "The mask is partly transparent, so that its colours are mixtures",
            expected="alpha of 0 or 255, or the same everywhere",
            received=f"{int(partly.sum())} pixels between",
            where=path,
            fix="write it without smooth (anti-aliased) edges",
        )


def _too_deep(received: str, path: PathLike) -> DataError:
    return DataError(
        "The colours of a mask have more than 8 bits",
        expected="8 bits a channel",
        received=received,
        where=path,
        fix="write 8 bits; for a grey mask of class indices leave `colors` out",
    )
