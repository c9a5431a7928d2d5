"""Read the header of a JPEG file without decoding it (ITU-T T.81, annex B)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

START = b"\xff\xd8"
_SCAN, _EXIF = 0xDA, 0xE1
# Frame headers: all of C0 to CF but the tables of C4 and CC and the reserved C8.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class JpegHead:
    """Header of a JPEG, up to the first scan.

    Attributes:
        size: (height, width) as stored; None without a frame header.
        components: stored channels; 4 for CMYK.
        orientation: by EXIF, 1 to 8; 1 for the stored one.
        scan: where the first scan begins, -1 if nowhere.
    """

    size: tuple[int, int] | None
    components: int
    orientation: int
    scan: int


def head_of(data: bytes) -> JpegHead:
    """Read the header of a JPEG file.

    Skips segments: a preview image in one has its own size and end marker.
    """
    size, components, orientation, scan = None, 0, 0, -1
    for marker, offset in _segments(data):
        if marker == _SCAN:
            scan = offset
        elif marker in _FRAMES and size is None and offset + 10 <= len(data):
            height, width, components = struct.unpack_from(">HHB", data, offset + 5)
            size = (height, width) if height and width else None
        elif marker == _EXIF and not orientation:
            end = offset + 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")
            orientation = _orientation(data[offset + 4 : end])
    return JpegHead(size, components, orientation or 1, scan)


def size_of(data: bytes) -> tuple[int, int] | None:
    """(height, width) of a JPEG as stored; None for another or broken file."""
    return head_of(data).size if data[:2] == START else None


def reduction(size: tuple[int, int], least: int) -> int:
    """The factor by which a JPEG can be reduced while it is decoded: 8, 4, 2 or 1.

    The largest that leaves its shorter side `least` pixels. (Decoders of other formats would decode
    in full and then shrink.)
    """
    return next((factor for factor in (8, 4, 2) if min(size) >= factor * least), 1)


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (marker, offset) of the segments up to the first scan."""
    position = 2
    while True:
        # Decoders too step over bytes that belong to no segment (and warn).
        position = data.find(b"\xff", position)
        if position < 0 or position + 4 > len(data):
            return
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:  # markers that stand alone
            position += 2
        else:
            yield marker, position
            if marker == _SCAN or marker == 0xD9:
                return
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")


def _orientation(segment: bytes) -> int:
    """The orientation in an EXIF segment; 0 without one."""
    tiff, order = segment[6:], "<" if segment[6:8] == b"II" else ">"
    if segment[:6] != b"Exif\0\0" or tiff[:4] not in (b"II*\0", b"MM\0*"):
        return 0
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, values = struct.unpack_from(order + "HHI", tiff, entry)
            if tag == _ORIENTATION:
                value = struct.unpack_from(order + ("I" if kind == 4 else "H"), tiff, entry + 8)[0]
                return value if 1 <= value <= 8 and kind in (3, 4) and values == 1 else 0
    except struct.error:  # cut short
        pass
    return 0
