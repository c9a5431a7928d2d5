"""Image format and size, read from a file's first bytes."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from densefit.data.io.image_limits import check_pixels
from densefit.data.io.jpeg_header import START, head_of, size_of
from densefit.data.io.regular_file import check_no_pointer
from densefit.errors import DataError

Size = tuple[int, int]

KINDS = "a JPEG, PNG, WebP, GIF, BMP, TIFF or PNM file"
_REMARK = re.compile(rb"#[^\n]*\n")
_BITS, _COMPRESSION, _PHOTOMETRIC, _CHANNELS = 258, 259, 262, 277
# OpenCV decodes other compressions to a black image, or not at all.
_TIFF = (1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 32946, 34676, 34677)
_LOSSY_TIFF = (6, 7, 34712, 34887, 50001)  # JPEG twice, JPEG 2000, LERC, WebP
_HDR = re.compile(rb"-Y (\d{1,9}) \+X (\d{1,9})\n")


def kind_of(data: bytes, where: object) -> str:
    """Format of an image file, after a check of its size.

    Args:
        data: content of the file.
        where: path, for errors.

    Returns:
        JPEG, PNG, GIF, BMP, WEBP, TIFF, or another format that OpenCV reads.

    Raises:
        DataError: an unknown format, a header without a size, or too many pixels.
    """
    header = _kind_and_size(data)
    if header is not None:
        kind, size = header
        if size is None:
            raise DataError(
                f"The image cannot be decoded: the header of its {kind} file is broken, or of a "
                "rare kind",
                received=f"{len(data)} bytes that begin with {data[:8]!r}",
                where=where,
            )
        check_pixels(size, where)
        return kind
    check_no_pointer(data, where, "The image")
    raise DataError(
        "The image cannot be decoded: it is of no kind that is read",
        expected=KINDS,
        received=f"{len(data)} bytes that begin with {data[:8]!r}",
        where=where,
    )


def stated_size(data: bytes, exif: bool) -> Size | None:
    """(height, width) of an image by its header; None if the header does not state it.

    Args:
        data: content of the file.
        exif: swap the sides of a JPEG that its EXIF orientation turns by 90 degrees.
    """
    header = _kind_and_size(data)
    if header is None or header[1] is None:
        return None
    turned = exif and header[0] == "JPEG" and head_of(data).orientation > 4
    return header[1][::-1] if turned else header[1]


def is_lossy(data: bytes, kind: str) -> bool:
    """Whether a file is compressed with loss, so that stored values change."""
    if kind == "TIFF":
        return _tiff_tags(data, (_COMPRESSION,))[0].get(_COMPRESSION) in _LOSSY_TIFF
    return kind == "JPEG" or (kind == "WEBP" and _webp_coder(data) == b"VP8 ")


def bits_of(data: bytes, kind: str) -> int:
    """Bits per channel as stated by a PNG or TIFF header; 0 for other formats."""
    if kind == "PNG":
        return data[24] if len(data) > 24 else 0
    return _tiff_bits(data) if kind == "TIFF" else 0


def has_few_bits(data: bytes, kind: str) -> bool:
    """Whether a file holds grey values of 1, 2 or 4 bits, which decoders stretch to 0..255.

    Palette images are excluded: decoders return their colours or indices.
    """
    if bits_of(data, kind) not in (1, 2, 4):
        return False
    if kind == "PNG":
        return data[25:26] == b"\0"
    return _tiff_tags(data, (_PHOTOMETRIC,))[0].get(_PHOTOMETRIC) in (0, 1)


def zero_is_white(data: bytes, kind: str) -> bool:
    """Whether a file is a grey TIFF whose value 0 is white."""
    return kind == "TIFF" and _tiff_tags(data, (_PHOTOMETRIC,))[0].get(_PHOTOMETRIC) == 0


def _webp_coder(data: bytes) -> bytes:
    """Chunk type of the first frame's pixels, "VP8 " or "VP8L"."""
    offset = 12
    while offset + 8 <= len(data):
        name = data[offset : offset + 4]
        if name in (b"VP8 ", b"VP8L"):
            return name
        length = int.from_bytes(data[offset + 4 : offset + 8], "little")
        offset += 8 + (16 if name == b"ANMF" else length + length % 2)  # into a frame
    return b""


def _kind_and_size(data: bytes) -> tuple[str, Size | None] | None:
    """Format and size; None for no image, and size None unless both sides are positive."""
    for kind, starts, measure in _READERS:
        if data.startswith(starts):
            try:
                size = measure(data)
            except (struct.error, OverflowError):
                return kind, None
            return kind, size if size is not None and size[0] > 0 < size[1] else None
    return None


def _png(data: bytes) -> Size:
    width, height = struct.unpack_from(">II", data, 16)
    return height, width


def _gif(data: bytes) -> Size:
    width, height = struct.unpack_from("<HH", data, 6)
    return height, width


def _bmp(data: bytes) -> Size | None:
    start, length = struct.unpack_from("<II", data, 10)
    if length not in (12, 16, 40, 52, 56, 64, 108, 124) or not 14 + length <= start < len(data):
        return None
    width, height = struct.unpack_from("<HH" if length == 12 else "<ii", data, 18)
    if length >= 40:
        (bits,), (colours,) = struct.unpack_from("<H", data, 28), struct.unpack_from("<I", data, 46)
        if bits <= 8 and colours > 1 << bits:  # a palette with more colours than indices
            return None
    return abs(height), abs(width)  # a negative height: from the top


def _webp(data: bytes) -> Size | None:
    chunk = data[12:16]
    if data[8:12] != b"WEBP":
        return None
    if chunk == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return height, width
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return height & 0x3FFF, width & 0x3FFF


def _tiff(data: bytes) -> Size | None:
    tags, counts = _tiff_tags(data, (256, 257, _COMPRESSION, 273, 277, 278, 284))
    if 256 not in tags or 257 not in tags or tags.get(_COMPRESSION, 1) not in _TIFF:
        return None
    height, width = tags[257], tags[256]
    if tags.get(_COMPRESSION, 1) == 1 and height * width * tags.get(277, 1) > 8 * len(data):
        return None  # less than one bit per value
    strips = -(-height // max(1, min(tags.get(278, height), height)))
    if 273 in counts and tags.get(284, 1) == 1 and counts[273] != strips:
        return None  # OpenCV returns a partial image when a strip is missing
    return height, width


def _tiff_tags(
    data: bytes, tags: tuple[int, ...], offsets: bool = False
) -> tuple[dict[int, int], dict[int, int]]:
    """Read the first value and the value count of tags in the first TIFF directory.

    Truncated entries are left out. With `offsets`, the value is read as the file offset of the
    tag's values.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = 43 in data[2:4]
    start, each, number = (8, 20, "Q") if big else (4, 12, "I")
    values: dict[int, int] = {}
    counts: dict[int, int] = {}
    try:
        (directory,) = struct.unpack_from(order + number, data, start)
        (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, directory)
        directory += 8 if big else 2
        for entry in range(directory, min(directory + each * count, len(data)), each):
            tag, kind = struct.unpack_from(order + "HH", data, entry)
            form = number if offsets else {3: "H", 4: "I", 16: "Q"}.get(kind)
            if tag in tags and form is not None:
                offset = entry + (12 if big else 8)
                (counts[tag],) = struct.unpack_from(order + number, data, entry + 4)
                values[tag] = struct.unpack_from(order + form, data, offset)[0]
    except (struct.error, OverflowError):
        pass
    return values, counts


def _tiff_bits(data: bytes) -> int:
    """Bits of the first channel, stored at an offset if there are three channels."""
    order, big = "<" if data[:2] == b"II" else ">", 43 in data[2:4]
    tags, _ = _tiff_tags(data, (_BITS, _CHANNELS))
    value = tags.get(_BITS, 0)
    if tags.get(_CHANNELS, 1) <= (4 if big else 2):
        return value
    offset = _tiff_tags(data, (_BITS,), offsets=True)[0].get(_BITS, len(data))
    return struct.unpack_from(order + "H", data, offset)[0] if offset + 2 <= len(data) else 0


def _pnm(data: bytes) -> Size | None:
    words = _REMARK.sub(b" ", data[2:1024]).split(None, 3)
    count = 2 if data[1:2] in b"14Ff" else 3  # the maximum value comes third, except in bitmaps
    if len(words) < count or not all(word.isdigit() and len(word) < 10 for word in words[:count]):
        return None
    return int(words[1]), int(words[0])


def _hdr(data: bytes) -> Size | None:
    match = _HDR.search(data[:4096])
    return None if match is None else (int(match[1]), int(match[2]))


def _big_endian(mark: bytes, height_first: bool, behind: int) -> Callable[[bytes], Size | None]:
    """Reader of two big-endian sides at `behind` bytes after a marker."""

    def measure(data: bytes) -> Size | None:
        position = data[:65536].find(mark)
        if position < 0:
            return None
        first, second = struct.unpack_from(">II", data, position + len(mark) + behind)
        return (first, second) if height_first else (second, first)

    return measure


_READERS: tuple[tuple[str, tuple[bytes, ...], Callable[[bytes], Size | None]], ...] = (
    ("JPEG", (START,), size_of),
    ("PNG", (b"\x89PNG\r\n\x1a\n",), _png),
    ("GIF", (b"GIF87a", b"GIF89a"), _gif),
    ("BMP", (b"BM",), _bmp),
    ("WEBP", (b"RIFF",), _webp),
    ("TIFF", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
    ("PNM", tuple(b"P%c" % kind for kind in b"123456Ff"), _pnm),
    ("JPEG 2000", (b"\0\0\0\x0cjP  \r\n\x87\n",), _big_endian(b"ihdr", True, 0)),
    ("JPEG 2000", (b"\xff\x4f\xff\x51",), _big_endian(b"\xff\x51", False, 4)),
    ("Sun raster", (b"\x59\xa6\x6a\x95",), _big_endian(b"\x59\xa6\x6a\x95", False, 0)),
    ("Radiance HDR", (b"#?RADIANCE", b"#?RGBE"), _hdr),
    ("AVIF", (b"\0\0\0",), _big_endian(b"ispe", False, 4)),
)
