"""The size of a picture, mostly out of the first bytes of its file."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from densefit.data.image import read_image

_ORIENTATION = 274  # EXIF
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP")


def picture_size(path: Path, exif: bool = True) -> tuple[int, int]:
    """(height, width) of a picture; it is decoded only if it is turned or of a rare format.

    Args:
        path: of a regular file.
        exif: turned as the EXIF orientation says.

    Raises:
        DataError: the file is no picture.
    """
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            if not exif or picture.getexif().get(_ORIENTATION, 1) == 1:
                return picture.height, picture.width
    except Exception:  # whatever Pillow finds wrong, the decoder tells in our words
        pass
    image = read_image(path, exif)
    return image.shape[0], image.shape[1]
