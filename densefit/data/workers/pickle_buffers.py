"""A finished sample as bytes: its arrays into shared memory, the rest as a short text."""

from __future__ import annotations

import pickle
from typing import Any

_ALIGNED = 64  # bytes; arrays begin at a cache line


def pack(thing: Any, slot: memoryview) -> tuple[bytes, list[int], int]:
    """Write the arrays of a thing into a slot, as far as they fit, the largest first.

    Args:
        thing: anything that can be pickled.
        slot: bytes to write to.

    Returns:
        The thing as a text in which those arrays are missing; (offset, length) of each of them in
        the slot, one after the other, in the order in which `unpack` needs them; and how many
        bytes a slot should have for all.
    """
    buffers: list[pickle.PickleBuffer] = []
    text = pickle.dumps(thing, 5, buffer_callback=buffers.append)
    sizes = [buffer.raw().nbytes for buffer in buffers]
    offsets, offset = [-1] * len(buffers), 0
    for place in sorted(range(len(buffers)), key=lambda place: -sizes[place]):
        if offset + sizes[place] <= len(slot):
            offsets[place] = offset
            offset = _aligned(offset + sizes[place])
    places: list[int] = []
    if all(place >= 0 for place in offsets):
        for place, buffer in enumerate(buffers):
            slot[offsets[place] : offsets[place] + sizes[place]] = buffer.raw()
            places += (offsets[place], sizes[place])
        return text, places, sum(map(_aligned, sizes))
    kept = iter(range(len(buffers)))

    def outside(buffer: pickle.PickleBuffer) -> bool:
        """Whether the pickle has to hold the array itself."""
        place = next(kept)
        if offsets[place] < 0:
            return True
        raw = buffer.raw()
        slot[offsets[place] : offsets[place] + sizes[place]] = raw
        places.extend((offsets[place], sizes[place]))
        return False

    text = pickle.dumps(thing, 5, buffer_callback=outside)
    return text, places, sum(map(_aligned, sizes))


def unpack(text: bytes, places: list[int], slot: memoryview) -> Any:
    """What `pack` was given; its arrays are copies, so that the slot is free again."""
    pairs = zip(places[0::2], places[1::2])
    return pickle.loads(text, buffers=[bytearray(slot[at : at + size]) for at, size in pairs])


def _aligned(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
