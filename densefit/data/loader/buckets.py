"""Group items by image size, with a limit on waiting items."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Buckets(Generic[Item]):
    """Collect items of equal size into groups, while at most `max_waiting` items wait.

    Args:
        most: largest number of items in a group.
        max_pixels: largest number of pixels in a group; a larger item is a group of its own.
        max_waiting: largest number of waiting items.
    """

    def __init__(self, most: int, max_pixels: int, max_waiting: int) -> None:
        self._most, self._max_pixels, self._max_waiting = most, max_pixels, max_waiting
        # Size -> waiting items; the oldest group first.
        self._waiting: OrderedDict[tuple[int, int], list[Item]] = OrderedDict()
        self._count = 0

    def capacity(self, size: tuple[int, int]) -> int:
        """Number of items of (height, width) in a full group."""
        return max(1, min(self._most, self._max_pixels // (size[0] * size[1])))

    def add(self, size: tuple[int, int], item: Item) -> Iterator[list[Item]]:
        """Add an item of (height, width); yield the groups that are due."""
        self._waiting.setdefault(size, []).append(item)
        self._count += 1
        if len(self._waiting[size]) >= self.capacity(size):
            yield self._take(size)
        while self._count > self._max_waiting:
            yield self._take(next(iter(self._waiting)))

    def rest(self) -> Iterator[list[Item]]:
        """Yield the waiting groups, sorted by size."""
        for size in sorted(self._waiting):
            yield self._take(size)

    def _take(self, size: tuple[int, int]) -> list[Item]:
        group = self._waiting.pop(size)
        self._count -= len(group)
        return group


def scaled_size(
    size: tuple[int, int], short_side: int | None, long_side: int | None
) -> tuple[int, int]:
    """(height, width) of an image resized with its aspect ratio kept.

    >>> scaled_size((480, 640), 240, None), scaled_size((480, 640), None, 320)
    ((240, 320), (240, 320))
    >>> scaled_size((100, 400), 200, 600), scaled_size((100, 400), None, 600)
    ((150, 600), (100, 400))

    Args:
        size: (height, width) of the original.
        short_side: pixels of the shorter side; None keeps it.
        long_side: pixels of the longer side at most; None sets no limit.
    """
    scale = 1.0 if short_side is None else short_side / min(size)
    if long_side is not None:
        scale = min(scale, long_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
