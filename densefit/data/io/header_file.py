"""Format, size and EXIF orientation of an image file, from its first bytes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from densefit.data.io.image_file import read_file
from densefit.data.io.image_header import kind_of, stated_size
from densefit.data.io.jpeg_header import START, head_of
from densefit.data.io.regular_file import open_regular
from densefit.errors import DataError

_FIRST = 32 << 10  # bytes; a header behind a larger EXIF preview is read from the whole file
_WHOLE = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # a TIFF's directory may lie at its end


class ImageHeader(NamedTuple):
    """Header of an image file.

    Attributes:
        kind: JPEG, PNG, ...
        size: (height, width) of the stored pixels.
        orientation: of a JPEG by EXIF, 1 to 8; 1 for other formats.
    """

    kind: str
    size: tuple[int, int]
    orientation: int = 1

    def size_as_read(self, exif: bool) -> tuple[int, int]:
        """(height, width) of the decoded image, turned by the orientation if `exif`."""
        return self.size[::-1] if exif and self.orientation > 4 else self.size


def read_header(path: Path) -> ImageHeader:
    """Read the header of an image file without decoding it.

    Raises:
        DataError: the file is missing, empty, of an unknown format, or states no or a huge size.
    """
    descriptor, size = open_regular(path, "The picture")
    try:
        data = os.read(descriptor, _FIRST)
    except OSError as error:
        raise DataError(f"The picture cannot be read: {error.strerror}", where=path) from error
    finally:
        os.close(descriptor)
    if len(data) < size and data[:4] not in _WHOLE:
        try:
            return _header(data, path)
        except DataError:
            pass
    return _header(read_file(path), path)


def _header(data: bytes, path: Path) -> ImageHeader:
    kind = kind_of(data, path)
    size = stated_size(data, exif=False)
    if size is None:
        raise DataError("The header of the picture states no size", where=path)
    return ImageHeader(kind, size, head_of(data).orientation if data[:2] == START else 1)
