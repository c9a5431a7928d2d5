"""What the head of a JPEG file says, without decoding it (ITU-T T.81, annex B)."""

from __future__ import annotations

from collections.abc import Iterator

START = b"\xff\xd8"
_SCAN = 0xDA
# Frame headers: all of C0 to CF but the tables of C4 and CC and the reserved C8.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def scan_of(data: bytes) -> int:
    """Where the first scan of a JPEG begins, -1 if nowhere.

    The segments before it are stepped over, since a preview picture in one has an end marker of
    its own.
    """
    return next((place for marker, place in _segments(data) if marker == _SCAN), -1)


def size_of(data: bytes) -> tuple[int, int] | None:
    """(height, width) of a JPEG as it is stored; None for another file, or a broken one."""
    if data[:2] != START:
        return None
    for marker, place in _segments(data):
        if marker in _FRAMES and place + 9 <= len(data):
            height, width = (
                int.from_bytes(data[at : at + 2], "big") for at in (place + 5, place + 7)
            )
            return (height, width) if height and width else None
    return None


def reduction(data: bytes, least: int) -> int:
    """By how much a JPEG can be made smaller while it is decoded: 8, 4, 2 or 1.

    The most that leaves its shorter side `least` pixels. Other files give 1: their decoders would
    do all of the work and then throw most of it away.
    """
    size = size_of(data)
    if size is None:
        return 1
    return next((factor for factor in (8, 4, 2) if min(size) >= factor * least), 1)


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """(marker, where it is) of the segments up to the first scan."""
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers that stand alone
            position += 2
        else:
            yield marker, position
            if marker == _SCAN:
                return
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
