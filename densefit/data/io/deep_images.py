"""Warn of images of 10 to 14 bits in 16-bit files, which conversion to 8 bits leaves dark."""

from __future__ import annotations

import logging
import os

import cv2
import numpy as np

from densefit.data.io.image_header import bits_of
from densefit.once import first_time

_log = logging.getLogger(__name__)
_DARK = 64  # a quarter of 256: the maximum for 14 of 16 bits


def warn_of_lost_bits(image: np.ndarray, data: bytes, kind: str, where: object) -> None:
    """Warn once per folder if 16 bits are reduced to 8 though only the lower bits are used.

    Args:
        image: the image as uint8, after the conversion.
        data: content of the file.
        kind: format of the file.
        where: path of the file.
    """
    if bits_of(data, kind) != 16 or not image.size or image.max() >= _DARK:
        return
    if not first_time("lost bits", os.path.dirname(str(where))):
        return
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16:
        return
    colours = values[..., :3] if values.ndim == 3 else values
    largest = int(colours.max())
    bits = max(8, largest.bit_length())
    _log.warning(
        "%s: an image of 16 bits whose largest value is %d. 16 bits are cut to 8 "
        "which leaves 0 to %d here. If the camera has %d bits, write the images as 8 bits: "
        "(values >> %d).astype(np.uint8). Said once for this folder",
        where,
        largest,
        int(image.max()),
        bits,
        bits - 8,
    )
