"""Things of many sizes grouped by size, few waiting at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Buckets(Generic[Thing]):
    """Groups of things of one size, as full as they get while few of them wait.

    Args:
        most: things in a group at most.
        max_pixels: of a group; a single larger thing is a group of its own.
        held: things that wait at most.
    """

    def __init__(self, most: int, max_pixels: int, held: int) -> None:
        self._most, self._max_pixels, self._held = most, max_pixels, held
        # By size, the one whose first thing came first at the front.
        self._waiting: OrderedDict[tuple[int, int], list[Thing]] = OrderedDict()
        self._count = 0

    def capacity(self, size: tuple[int, int]) -> int:
        """How many things of (height, width) make a full group."""
        return max(1, min(self._most, self._max_pixels // (size[0] * size[1])))

    def add(self, size: tuple[int, int], thing: Thing) -> Iterator[list[Thing]]:
        """Take in a thing of (height, width); the groups that are now to be handed out."""
        self._waiting.setdefault(size, []).append(thing)
        self._count += 1
        if len(self._waiting[size]) >= self.capacity(size):
            yield self._take(size)
        while self._count > self._held:
            yield self._take(next(iter(self._waiting)))

    def rest(self) -> Iterator[list[Thing]]:
        """The groups that still wait, by their sizes."""
        for size in sorted(self._waiting):
            yield self._take(size)

    def _take(self, size: tuple[int, int]) -> list[Thing]:
        group = self._waiting.pop(size)
        self._count -= len(group)
        return group


def scaled_size(
    size: tuple[int, int], short_side: int | None, long_side: int | None
) -> tuple[int, int]:
    """(height, width) of a picture scaled with its proportions kept.

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
