"""Files to pixels: pictures and values by OpenCV, class masks by Pillow, broken files by name."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np

from densefit.data.io.deep_images import warn_of_lost_bits
from densefit.data.io.image_header import KINDS, bits_of, has_few_bits, is_lossy, kind_of
from densefit.data.io.image_limits import BYTES, PIXELS, check_pixels, most_bytes
from densefit.data.io.jpeg_decoder import decode_jpeg
from densefit.data.io.jpeg_header import START, JpegHead, head_of
from densefit.data.io.pillow_image import as_rgb, check_once, stored_values
from densefit.data.io.regular_file import PathLike, read_regular
from densefit.data.io.white_is_zero import warn_of_white_zero
from densefit.errors import DataError

_PNG = b"\x89PNG\r\n\x1a\n"
# What turns a picture as each EXIF orientation says.
_TURNS: dict[int, Callable[[np.ndarray], Any]] = {
    2: partial(cv2.flip, flipCode=1),
    3: partial(cv2.rotate, rotateCode=cv2.ROTATE_180),
    4: partial(cv2.flip, flipCode=0),
    5: cv2.transpose,
    6: partial(cv2.rotate, rotateCode=cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.flip(cv2.transpose(image), -1),
    8: partial(cv2.rotate, rotateCode=cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def read_image(path: PathLike, exif: bool = True, least: int | None = None) -> np.ndarray:
    """Decode a picture of any kind that OpenCV knows, or the first frame of a GIF.

    Grey pictures get three equal channels, alpha is dropped, 16 bits are cut to the upper 8, with a
    warning, once a folder, where those are nearly empty (cameras of 12 bits). How large a picture
    may be, and what becomes of a damaged JPEG, is said in `picture_limits`.

    Args:
        path: the file.
        exif: turn the picture as its EXIF orientation says, as viewers (and cv2.imread) do.
            Annotation tools differ: where boxes belong to the pixels as they are stored, say False.
        least: decode a JPEG at a half, a quarter or an eighth of its size, as long as its shorter
            side keeps so many pixels. That is several times as fast, and close to, but not the same
            as, decoding and then averaging. Not where anything is told in pixels of the file.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        DataError: the file is missing, empty, cut short, no picture, or too large.
    """
    return decode_image(read_file(path), path, exif, least)


def decode_image(
    data: bytes | memoryview, where: object, exif: bool = True, least: int | None = None
) -> np.ndarray:
    """`read_image` of bytes that were read already.

    Args:
        data: a picture's file.
        where: it comes from, for an error.
        exif: see `read_image`.
        least: see `read_image`.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        DataError: they are cut short, no picture, or too large.
    """
    data = bytes(data)
    try:
        return _decoded(data, where, exif, least)
    except MemoryError as error:
        raise DataError(
            "The picture needs more memory than there is",
            where=where,
            fix=f"make it smaller, or set {PIXELS} in the environment to what may be decoded",
        ) from error


def _decoded(data: bytes, where: object, exif: bool, least: int | None) -> np.ndarray:
    """The same, whatever is raised."""
    if data[:2] == START:
        return _jpeg(data, where, exif, least)
    kind = kind_of(data, where)
    if kind in ("GIF", "PNM") and data[:2] not in (b"PF", b"Pf"):
        return as_rgb(data, kind, where)
    if kind == "TIFF" and bits_of(data, kind) in (2, 4):  # OpenCV has no such grey values
        return as_rgb(data, kind, where)
    if kind == "TIFF" and bits_of(data, kind) > 16:  # OpenCV would print a line of its own
        raise DataError(
            "The picture is one of measurements, not of colours",
            expected="8 or 16 bits a channel",
            received=f"{bits_of(data, kind)} bits",
            where=where,
            fix="scale the values to 0..255 and write 8 bits",
        )
    image = _by_opencv(
        data, kind, where, cv2.IMREAD_COLOR | (0 if exif else cv2.IMREAD_IGNORE_ORIENTATION)
    )
    warn_of_lost_bits(image, data, kind, where)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _jpeg(data: bytes, where: object, exif: bool, least: int | None) -> np.ndarray:
    """`decode_image` of a JPEG."""
    head = _jpeg_head(data, where)
    image = decode_jpeg(data, head, where, least)
    turn = _TURNS.get(head.orientation) if exif else None
    return image if turn is None else np.asarray(turn(image))


def _jpeg_head(data: bytes, where: object) -> JpegHead:
    """The head of a JPEG that has its end and is not too large. Raises DataError of another."""
    head = head_of(data)
    if head.scan < 0 or data.find(b"\xff\xd9", head.scan) < 0:  # decoders fill the rest with grey
        raise _cut_short(data, where)
    if head.size is None:
        raise DataError("The image cannot be decoded: its header states no size", where=where)
    check_pixels(head.size, where)
    return head


def read_mask(path: PathLike) -> np.ndarray:
    """Decode a picture whose pixels are class indices (grey, or palette: OpenCV loses those).

    Returns:
        (H, W) uint8.

    Raises:
        DataError: the file is missing, broken, coloured, or holds values above 255.
    """
    return _indices(path, "class indices", 255).astype(np.uint8, copy=False)


def read_ids(path: PathLike) -> np.ndarray:
    """Decode a picture whose pixels are ids of objects, in 8 or 16 bits.

    Returns:
        (H, W) uint8 or uint16, as the file has it.

    Raises:
        DataError: the file is missing, broken, coloured, or holds values above 65535.
    """
    values = _indices(path, "ids of objects", 65535)
    return values if values.dtype == np.uint8 else values.astype(np.uint16, copy=False)


def planes(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 as a contiguous (3, H, W), several times as fast as numpy's transposition."""
    if not image.size:  # nothing that OpenCV takes for a picture
        return np.ascontiguousarray(image.transpose(2, 0, 1))
    return np.array(cv2.split(image))


def _indices(path: PathLike, what: str, largest: int) -> np.ndarray:
    """(H, W) whole numbers of a grey or palette picture, 0 to `largest`."""
    data = read_file(path)
    kind = kind_of(data, path)
    _refuse_lossy(data, kind, what, path)
    _check_whole(data, kind, path)
    warn_of_white_zero(data, kind, path)
    if data[:2] in (b"P2", b"P5"):  # Pillow scales them by the largest value that a file states
        values, mode = _by_opencv(data, kind, path, cv2.IMREAD_UNCHANGED), "L"
    else:
        values, mode = stored_values(data, kind, path)
    values = _equal_channel(values)
    if values.ndim != 2:
        raise DataError(
            f"The mask is a colour picture, not one of {what}",
            expected="a grey or palette picture, one index a pixel",
            received=f"mode {mode}, shape {values.shape}",
            where=path,
            fix=f"convert the colours to {what}",
        )
    if values.dtype != np.uint8 and values.size:
        if values.dtype.kind not in "iu" or values.min() < 0 or values.max() > largest:
            raise DataError(
                f"The mask holds values that are no {what}",
                expected=f"whole numbers, 0..{largest}",
                received=f"{values.min()}..{values.max()}, mode {mode}",
                where=path,
            )
    return values


def _equal_channel(values: np.ndarray) -> np.ndarray:
    """(H, W) where all channels are equal and nothing is transparent, else `values`."""
    if values.ndim != 3:
        return values
    for part in (values[:1], values):  # the first row tells a photograph from a mask
        opaque = part.shape[2] in (2, 4) and (part[..., -1] == 255).all()
        colours = part[..., :-1] if opaque else part
        if colours.shape[2] not in (1, 3) or (colours != colours[..., :1]).any():
            return values
    return np.ascontiguousarray(values[..., 0])


def _refuse_lossy(data: bytes, kind: str, what: str, path: PathLike) -> None:
    """Raise DataError if a file has numbers that its own format changes."""
    if is_lossy(data, kind):
        raise DataError(
            f"A mask is a {kind} file with losses, which changes {what} beside their borders",
            expected="a PNG, or another kind that loses nothing",
            where=path,
            fix=f"write {what} as PNG where they are made; a converted file keeps the errors",
        )


def read_values(path: PathLike) -> np.ndarray:
    """Decode a picture whose pixels are measurements: a depth in millimetres, say.

    Returns:
        (H, W) as stored: uint8 (of 1 to 8 bits) or uint16 (PNG), also float32 (TIFF).

    Raises:
        DataError: the file is missing, cut short, no picture or coloured.
    """
    values = _unchanged(path)
    if values.ndim != 2:
        raise DataError(
            "The picture is a coloured one, not one of values",
            expected="a grey picture, one number a pixel",
            received=f"shape {values.shape}, {values.dtype}",
            where=path,
        )
    return values


def read_triples(path: PathLike, exact: bool = False) -> np.ndarray:
    """Decode a coloured picture whose pixels are three numbers each, a vector, say.

    Args:
        path: the file.
        exact: refuse files with losses, such as JPEGs: the numbers are ids.

    Returns:
        (H, W, 3) as stored: uint8 or uint16, red, green and blue; alpha is dropped.

    Raises:
        DataError: the file is missing, cut short, no picture or grey.
    """
    values = _unchanged(path, exact)
    if values.ndim != 3 or values.shape[2] < 3:
        raise DataError(
            "The picture is a grey one, not one of three values a pixel",
            expected="a coloured picture",
            received=f"shape {values.shape}, {values.dtype}",
            where=path,
        )
    return np.ascontiguousarray(values[:, :, 2::-1])  # OpenCV has blue first


def _unchanged(path: PathLike, exact: bool = False) -> np.ndarray:
    """The numbers of a picture as OpenCV finds them. Raises DataError naming a broken file."""
    data = read_file(path)
    if exact:
        _refuse_lossy(data, kind_of(data, path), "ids", path)
    if data[:2] == START:
        head = _jpeg_head(data, path)
        image = decode_jpeg(data, head, path)
        return image[..., 0] if head.components == 1 else image[..., ::-1]
    kind = kind_of(data, path)
    warn_of_white_zero(data, kind, path)
    if has_few_bits(data, kind):  # OpenCV stretches them, or knows them not
        _check_whole(data, kind, path)
        return stored_values(data, kind, path)[0]
    return _by_opencv(data, kind, path, cv2.IMREAD_UNCHANGED)


def _by_opencv(data: bytes, kind: str, where: object, flags: int) -> np.ndarray:
    """A picture as OpenCV decodes it. Raises DataError if the file is broken."""
    _check_whole(data, kind, where)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise DataError(f"The picture cannot be decoded: {error}", where=where) from error
    if image is None:
        raise DataError(
            "The picture cannot be decoded",
            expected=KINDS,
            received=f"{len(data)} bytes that begin with {data[:8]!r}",
            where=where,
        )
    return np.asarray(image)


def read_file(path: PathLike) -> bytes:
    """The bytes of a file. Raises DataError naming it if there are none, or too many."""
    data = read_regular(path, most_bytes(), f"is it right? Set {BYTES} in the environment")
    if not data:
        raise DataError("The file is empty", received="0 bytes", where=path)
    return data


def _check_whole(data: bytes, kind: str, where: object) -> None:
    """Raise DataError if a file that OpenCV reads in part, without a word, is damaged.

    A PNG is, if it lacks its end or if a chunk differs from its checksum; what is behind the end
    is harmless.
    """
    if kind in ("WEBP", "TIFF"):
        check_once(data, kind, where)
    if kind != "PNG":
        return
    place = len(_PNG)
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        name = data[place + 4 : place + 8]
        if end > len(data):
            break
        if zlib.crc32(data[place + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise DataError(
                f"The PNG is damaged: its chunk {name!r} differs from its checksum",
                where=where,
                fix="fetch the file again, or take it out of the list",
            )
        if name == b"IEND":
            return
        place = end
    raise _cut_short(data, where)


def _cut_short(data: bytes, where: object) -> DataError:
    return DataError(
        "The image is cut short: its end is missing",
        received=f"{len(data)} bytes",
        where=where,
        fix="fetch the file again, or take it out of the list",
    )
