"""Warn of TIFFs whose value 0 is white: readers differ in whether they invert the values."""

from __future__ import annotations

import logging
import os

from densefit.data.io.image_header import bits_of, zero_is_white
from densefit.once import first_time

_log = logging.getLogger("densefit")


def warn_of_white_zero(data: bytes, kind: str, where: object) -> None:
    """Warn once per folder of values in a TIFF whose value 0 is white, and say how they are read.

    Like Pillow and OpenCV, values of up to 8 bits are inverted, and deeper ones are read as stored;
    tifffile and GDAL invert none.

    Args:
        data: content of the file.
        kind: format of the file.
        where: path of the file.
    """
    if not zero_is_white(data, kind) or not first_time("white zero", os.path.dirname(str(where))):
        return
    bits = bits_of(data, kind) or 1
    how = "as they are stored"
    if bits <= 8:
        how = f"turned over: what is stored as 0 is {2**bits - 1}"
    _log.warning(
        "%s: 0 is white in this TIFF of %d bits (photometric interpretation 0), and programs "
        "differ in what its numbers are. They are read %s. Written with photometric interpretation "
        "1, they are the same to all programs. Said once for this folder",
        *(where, bits, how),
    )
