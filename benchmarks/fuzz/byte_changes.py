"""Changes of a file that know nothing of what it is."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Change = Callable[[bytes, Random], bytes]


def _range(data: bytes, rng: Random) -> tuple[int, int]:
    """Begin and end of a chunk: short ones as often as long ones."""
    length = min(len(data), int(2 ** rng.uniform(0, 12)))
    begin = rng.randrange(len(data) - length + 1)
    return begin, begin + length


def flip_bits(data: bytes, rng: Random) -> bytes:
    """One to eight bits are others."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def replace_bytes(data: bytes, rng: Random) -> bytes:
    """One to eight bytes are others, 0 and 255 more often than the rest."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(data))] = rng.choice((0, 255, rng.randrange(256)))
    return bytes(changed)


def truncate(data: bytes, rng: Random) -> bytes:
    """The end is missing; now and then all of it."""
    return data[: rng.choice((0, 1, len(data) - 1, *(rng.randrange(len(data)) for _ in range(9))))]


def insert(data: bytes, rng: Random) -> bytes:
    """Random bytes lie in between."""
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.randbytes(rng.choice((1, 4, 64))) + data[place:]


def delete(data: bytes, rng: Random) -> bytes:
    """A chunk is missing."""
    begin, end = _range(data, rng)
    return data[:begin] + data[end:]


def duplicate(data: bytes, rng: Random) -> bytes:
    """A chunk is there twice."""
    begin, end = _range(data, rng)
    return data[:end] + data[begin:]


def blank(data: bytes, rng: Random) -> bytes:
    """A chunk is zero, as of a file that was allocated and not written."""
    begin, end = _range(data, rng)
    return data[:begin] + bytes(end - begin) + data[end:]


def swap(data: bytes, rng: Random) -> bytes:
    """Two chunks have changed places."""
    a, b, c, d = sorted(rng.randrange(len(data) + 1) for _ in range(4))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


CHANGES: tuple[Change, ...] = (
    *(flip_bits, replace_bytes, truncate, insert, delete, duplicate, blank, swap),
)


def change(data: bytes, rng: Random) -> bytes:
    """One of the changes."""
    return rng.choice(CHANGES)(data, rng) if data else rng.randbytes(8)
