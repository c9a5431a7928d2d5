"""Pickle a sample with its arrays out of band, in shared memory (PEP 574)."""

from __future__ import annotations

import pickle
from typing import Any

_ALIGNED = 64  # bytes; arrays begin at a cache line


def pack(value: Any, slot: memoryview) -> tuple[bytes, list[int], int]:
    """Write the arrays of a value into a slot, as far as they fit, the largest first.

    Args:
        value: anything that can be pickled.
        slot: bytes to write to.

    Returns:
        The pickle without those arrays; (offset, length) of each of them in the slot, flattened,
        in the order in which `unpack` needs them; and the bytes that a slot needs to hold all.
    """
    buffers: list[pickle.PickleBuffer] = []
    text = pickle.dumps(value, 5, buffer_callback=buffers.append)
    sizes = [buffer.raw().nbytes for buffer in buffers]
    offsets, offset = [-1] * len(buffers), 0
    for index in sorted(range(len(buffers)), key=lambda index: -sizes[index]):
        if offset + sizes[index] <= len(slot):
            offsets[index] = offset
            offset = _aligned(offset + sizes[index])
    spans: list[int] = []
    if all(start >= 0 for start in offsets):
        for index, buffer in enumerate(buffers):
            slot[offsets[index] : offsets[index] + sizes[index]] = buffer.raw()
            spans += (offsets[index], sizes[index])
        return text, spans, sum(map(_aligned, sizes))
    indices = iter(range(len(buffers)))

    def stays_in_band(buffer: pickle.PickleBuffer) -> bool:
        """Whether the pickle has to hold the array itself."""
        index = next(indices)
        if offsets[index] < 0:
            return True
        raw = buffer.raw()
        slot[offsets[index] : offsets[index] + sizes[index]] = raw
        spans.extend((offsets[index], sizes[index]))
        return False

    text = pickle.dumps(value, 5, buffer_callback=stays_in_band)
    return text, spans, sum(map(_aligned, sizes))


def unpack(text: bytes, spans: list[int], slot: memoryview) -> Any:
    """Restore the value that `pack` wrote; its arrays are copies, so the slot is free again."""
    pairs = zip(spans[0::2], spans[1::2])
    return pickle.loads(text, buffers=[bytearray(slot[at : at + size]) for at, size in pairs])


def _aligned(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
