"""Decode JPEGs by libjpeg-turbo, which reports damaged data of each image.

OpenCV and Pillow use the same library, with equal pixels, but silently fill damaged parts with grey
or with shifted blocks; OpenCV's library writes to the process's stderr.
"""

from __future__ import annotations

import logging
import re

import cv2
import numpy as np
import simplejpeg

from densefit.data.io.image_limits import DAMAGED, damaged_jpegs_raise
from densefit.data.io.jpeg_header import JpegHead, reduction
from densefit.errors import DataError
from densefit.once import first_time

logger = logging.getLogger(__name__)

_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
# libjpeg's warnings (jerror.h, JWRN), after which decoding continues. After an error, which may be
# reported as a warning if one came before, the rest of the image is uninitialized memory.
_WARNING = re.compile(
    "Corrupt JPEG data|Premature end of JPEG|Inconsistent progression|Invalid SOS parameters"
    "|unknown JFIF|Unknown Adobe color|too many scanlines"
)


def decode_jpeg(data: bytes, head: JpegHead, where: object, least: int | None = None) -> np.ndarray:
    """Decode a JPEG without applying its orientation.

    Args:
        data: content of the complete file.
        head: header of the file, with a size.
        where: path, for errors.
        least: see `read_image`.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        DataError: the data are damaged and damaged JPEGs raise, or they cannot be decoded.
    """
    factor = 1 if least is None or head.size is None else reduction(head.size, least)
    try:
        return _decoded(data, head, factor, where)
    except ValueError as error:  # a warning of the library, or an error
        if damaged_jpegs_raise():
            raise DataError(
                f"The JPEG is damaged: {error}",
                where=where,
                fix="fetch the file again, or take it out of the list; "
                f"{DAMAGED}=warn in the environment reads what can be read",
            ) from error
        message = str(error)
        if not _WARNING.search(message):
            raise DataError(f"The image cannot be decoded: {error}", where=where) from error
    try:
        image = _decoded(data, head, factor, where, strict=False)
    except ValueError as error:
        raise DataError(f"The image cannot be decoded: {error}", where=where) from error
    if first_time("damaged JPEG", str(where)):
        logger.warning(
            "The JPEG is damaged, and a part of the image may be wrong: %s: %s. "
            "%s=raise in the environment makes this an error",
            where,
            message,
            DAMAGED,
        )
    return image


def _decoded(
    data: bytes, head: JpegHead, factor: int, where: object, strict: bool = True
) -> np.ndarray:
    """Decode to (H, W, 3) RGB. Raises ValueError for errors and, if strict, for warnings."""
    if head.components == 4:  # OpenCV converts CMYK; this call only reports damage
        simplejpeg.decode_jpeg(data, "CMYK", strict=strict)
        return _by_opencv(data, factor, where)
    height, width = (-(-side // factor) for side in head.size or (0, 0))
    least = (height, width) if factor > 1 else (0, 0)
    return np.asarray(
        simplejpeg.decode_jpeg(data, "RGB", False, False, *least, factor, strict=strict)
    )


def _by_opencv(data: bytes, factor: int, where: object) -> np.ndarray:
    """Decode by OpenCV without orientation. Raises DataError if it fails."""
    flags = _REDUCED[factor] | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise DataError(f"The image cannot be decoded: {error}", where=where) from error
    if image is None:
        raise DataError(
            "The image cannot be decoded",
            expected="a whole JPEG file",
            received=f"{len(data)} bytes, damaged",
            where=where,
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
