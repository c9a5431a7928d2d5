"""Decode image files by OpenCV, with checks that OpenCV lacks."""

from __future__ import annotations

import zlib

import cv2
import numpy as np

from densefit.data.io.image_header import KINDS, is_lossy
from densefit.data.io.image_limits import BYTES, check_pixels, most_bytes
from densefit.data.io.jpeg_header import JpegHead, head_of
from densefit.data.io.pillow_image import check_once
from densefit.data.io.regular_file import PathLike, read_regular
from densefit.errors import DataError

_PNG = b"\x89PNG\r\n\x1a\n"


def decode_by_opencv(data: bytes, kind: str, where: object, flags: int) -> np.ndarray:
    """Decode an image by OpenCV. Raises DataError if the file is broken."""
    check_complete(data, kind, where)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise DataError(f"The image cannot be decoded: {error}", where=where) from error
    if image is None:
        raise DataError(
            "The image cannot be decoded",
            expected=KINDS,
            received=f"{len(data)} bytes that begin with {data[:8]!r}",
            where=where,
        )
    return np.asarray(image)


def read_file(path: PathLike) -> bytes:
    """Read the bytes of a file. Raises DataError if it is empty or too large."""
    data = read_regular(path, most_bytes(), f"is it right? Set {BYTES} in the environment")
    if not data:
        raise DataError("The file is empty", received="0 bytes", where=path)
    return data


def check_complete(data: bytes, kind: str, where: object) -> None:
    """Raise DataError if a file is damaged that OpenCV would read in part without an error.

    A PNG is damaged if it lacks its end or a chunk differs from its checksum; bytes after the end
    are harmless.
    """
    if kind in ("WEBP", "TIFF"):
        check_once(data, kind, where)
    if kind != "PNG":
        return
    position = len(_PNG)
    while position + 12 <= len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        name = data[position + 4 : position + 8]
        if end > len(data):
            break
        if zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise DataError(
                f"The PNG is damaged: its chunk {name!r} differs from its checksum",
                where=where,
                fix="fetch the file again, or take it out of the list",
            )
        if name == b"IEND":
            return
        position = end
    raise cut_short_error(data, where)


def cut_short_error(data: bytes, where: object) -> DataError:
    return DataError(
        "The image is cut short: its end is missing",
        received=f"{len(data)} bytes",
        where=where,
        fix="fetch the file again, or take it out of the list",
    )


def checked_jpeg_header(data: bytes, where: object) -> JpegHead:
    """Read the header of a complete JPEG. Raises DataError if it is cut short or too large."""
    head = head_of(data)
    if head.scan < 0 or data.find(b"\xff\xd9", head.scan) < 0:  # decoders fill the rest with grey
        raise cut_short_error(data, where)
    if head.size is None:
        raise DataError("The image cannot be decoded: its header states no size", where=where)
    check_pixels(head.size, where)
    return head


def refuse_lossy(data: bytes, kind: str, what: str, path: PathLike) -> None:
    """Raise DataError if the file format is lossy, which changes numbers."""
    if is_lossy(data, kind):
        raise DataError(
            f"A mask is a {kind} file with losses, which changes {what} beside their borders",
            expected="a PNG, or another kind that loses nothing",
            where=path,
            fix=f"write {what} as PNG where they are made; a converted file keeps the errors",
        )
