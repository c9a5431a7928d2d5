"""Image files of a converted dataset: the bytes of the original, where these are its image."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from densefit.data.io.image import decode_image
from densefit.data.io.image_file import read_file
from densefit.data.sample import Dataset, Sample
from densefit.errors import DataError

#: First bytes of formats that other programs read -> extension.
_EXTENSIONS = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG": ".png",
    b"BM": ".bmp",
    b"II*\x00": ".tif",
    b"MM\x00*": ".tif",
}


def unchanged_file(dataset: Dataset, index: int, image: np.ndarray) -> bytes | None:
    """Content of the image file, if it decodes to `image` with and without EXIF orientation.

    The file is a dataset's `image_bytes(index)`, or at `picture_file(index)`.

    Args:
        dataset: that has the sample.
        index: of the sample.
        image: (H, W, 3) uint8 of the sample.

    Returns:
        The bytes; None for generated and turned images, and formats that few programs read.
    """
    path: str | Path
    read, find = (getattr(dataset, name, None) for name in ("image_bytes", "picture_file"))
    if read is not None:
        data, path = bytes(read(index)), f"{dataset}, sample {index}"
    elif find is not None:
        path = Path(find(index))
        data = read_file(path)
    else:
        return None
    if extension_of(data) is None:
        return None
    same = all(np.array_equal(decode_image(data, path, exif), image) for exif in (True, False))
    return data if same else None


def image_file(dataset: Dataset, index: int, sample: Sample) -> tuple[bytes, str, bool]:
    """Encode the image of a sample.

    Returns:
        The file's content, its extension, and whether it is the original file. Others become PNG.

    Raises:
        DataError: the image cannot be encoded.
    """
    data = unchanged_file(dataset, index, sample.image)
    if data is not None:
        return data, extension_of(data) or ".png", True
    return encode_png(cv2.cvtColor(sample.image, cv2.COLOR_RGB2BGR), sample.id), ".png", False


def encode_png(array: np.ndarray, sample_id: str) -> bytes:
    """Encode an array as PNG.

    Raises:
        DataError: it cannot be encoded.
    """
    is_encoded, encoded = cv2.imencode(".png", array)
    if not is_encoded:
        raise DataError(
            "The image cannot be encoded as PNG",
            received=f"{array.shape} {array.dtype}",
            where=f"sample {sample_id!r}",
        )
    return bytes(encoded.tobytes())


def extension_of(data: bytes) -> str | None:
    """Extension of a file's format by its first bytes; None for a rare one."""
    for first, extension in _EXTENSIONS.items():
        if data.startswith(first):
            return extension
    return None
