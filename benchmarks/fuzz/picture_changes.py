"""Changes of the headers and chunks of pictures."""

from __future__ import annotations

import struct
import zlib
from random import Random

_SIDES = (0, 1, 2, 3, 255, 16383, 30000, 65535, 1 << 20, (1 << 31) - 1, (1 << 32) - 1)
_OTHERS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\n0 0 20 20 rectfill\n",
    b"<html><body>404 Not Found</body></html>",
    b'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"/>',
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 1\n",
    b"\0" * 100,
    b"",
    b"P5\n30000 30000\n255\n",
    b'/* XPM */\nstatic char *a[] = {"1 1 1 1"};',
)


def _sides(rng: Random) -> tuple[int, int]:
    return (30000, 30000) if rng.random() < 0.4 else (rng.choice(_SIDES), rng.choice(_SIDES))


def resize_header(data: bytes, rng: Random) -> bytes:
    """The header says another size; in formats that it knows."""
    width, height = _sides(rng)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        head = b"IHDR" + struct.pack(">II", width & 0xFFFFFFFF, height & 0xFFFFFFFF) + data[24:29]
        return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]
    if data[:2] == b"BM":
        small = [min(side, (1 << 31) - 1) for side in (width, height)]
        return data[:18] + struct.pack("<ii", *small) + data[26:]
    if data[:3] == b"GIF":
        small = [side & 0xFFFF for side in (width, height)]
        return data[:6] + struct.pack("<HH", *small) + data[10:]
    if data[:2] == b"\xff\xd8":
        found = [data.find(marker) for marker in (b"\xff\xc0", b"\xff\xc2")]
        places = [place for place in found if place > 0]
        if places:
            place = places[0] + 5
            new = struct.pack(">HH", height & 0xFFFF, width & 0xFFFF)
            return data[:place] + new + data[place + 4 :]
    if data[:4] == b"RIFF" and data[12:16] == b"VP8 ":
        return data[:26] + struct.pack("<HH", width & 0x3FFF, height & 0x3FFF) + data[30:]
    if data[:4] == b"II*\0":
        return _resize_tiff(data, rng, width, height)
    return data


def _resize_tiff(data: bytes, rng: Random, width: int, height: int) -> bytes:
    changed = bytearray(data)
    (place,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, place)
    for index in range(count):
        entry = place + 2 + 12 * index
        tag = struct.unpack_from("<H", data, entry)[0]
        if tag in (256, 257):
            side = (width if tag == 256 else height) & 0xFFFFFFFF
            struct.pack_into("<HHII", changed, entry, tag, 4, 1, side)
    return bytes(changed)


def change_field(data: bytes, rng: Random) -> bytes:
    """A number of two or four bytes of the first hundred is an unusual one."""
    width = rng.choice((1, 2, 4))
    value = rng.choice((0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))
    place = rng.randrange(max(1, min(len(data), 100) - width))
    order = rng.choice(("little", "big"))
    new = (value & ((1 << 8 * width) - 1)).to_bytes(width, order)
    changed = data[:place] + new + data[place + width :]
    if data[:8] == b"\x89PNG\r\n\x1a\n":  # or only the sum is told
        changed = changed[:29] + struct.pack(">I", zlib.crc32(changed[12:29])) + changed[33:]
    return changed


def change_chunks(data: bytes, rng: Random) -> bytes:
    """A chunk of a PNG, or a segment of a JPEG, is missing, twice, elsewhere or empty."""
    chunks = _png_chunks(data) if data[:4] == b"\x89PNG" else _jpeg_segments(data)
    if len(chunks) < 3:
        return change_field(data, rng)
    place = rng.randrange(1, len(chunks))
    how = rng.randrange(4)
    if how == 0:
        del chunks[place]
    elif how == 1:
        chunks.insert(place, chunks[place])
    elif how == 2:
        chunks.insert(rng.randrange(1, len(chunks)), chunks.pop(place))
    elif data[:4] == b"\x89PNG":
        kind, body = chunks[place][4:8], chunks[place][8 : 8 + rng.choice((0, 1, 5))]
        sum_ = struct.pack(">I", zlib.crc32(kind + body))
        chunks[place] = struct.pack(">I", len(body)) + kind + body + sum_
    return b"".join(chunks)


def _png_chunks(data: bytes) -> list[bytes]:
    chunks, place = [data[:8]], 8
    while place + 8 <= len(data):
        end = place + 12 + struct.unpack_from(">I", data, place)[0]
        chunks.append(data[place:end])
        place = end
    return chunks


def _jpeg_segments(data: bytes) -> list[bytes]:
    if data[:2] != b"\xff\xd8":
        return []
    segments, place = [data[:2]], 2
    while place + 4 <= len(data) and data[place + 1] != 0xDA:
        end = place + 2 + struct.unpack_from(">H", data, place + 2)[0]
        segments.append(data[place:end])
        place = end
    return [*segments, data[place:]]


def change_picture(data: bytes, rng: Random) -> bytes:
    """One of these changes, or another kind of file under a picture's name."""
    how = rng.randrange(10)
    if how < 4:
        return resize_header(data, rng)
    if how < 7:
        return change_field(data, rng)
    return change_chunks(data, rng) if how < 9 else rng.choice(_OTHERS)
