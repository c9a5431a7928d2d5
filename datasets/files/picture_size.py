"""The size of a picture, mostly out of the first bytes of its file."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from densefit.data.io.image import read_image
from densefit.errors import DataError

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


def check_map_size(
    what: str, actual: tuple[int, ...], size: tuple[int, int], path: object, image_path: object
) -> None:
    """Raise DataError if a map is not of the size of its picture.

    Args:
        what: the map is, as the error begins: "A mask".
        actual: (height, width) of the map.
        size: (height, width) of the picture.
        path: of the map.
        image_path: of the picture.
    """
    if actual != size:
        raise DataError(
            f"{what} is not of its picture's size",
            expected=f"{size} (height, width), as {image_path}",
            received=f"{actual}",
            where=path,
        )
