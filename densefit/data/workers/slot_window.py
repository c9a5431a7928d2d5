"""Which slots of shared memory hold which samples in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from itertools import islice
from typing import Any

from densefit.data.workers.pickle_buffers import unpack
from densefit.data.workers.shared_memory import SharedMemory
from densefit.data.workers.worker_main import WorkerResult

_PAGE = 4096


class SlotWindow:
    """Samples in flight, each with a slot, in the order in which they were requested.

    Attributes:
        pending: (visit, slot) of each sample.
        done: slot -> result, of those that are loaded.
        free: slots that no sample has.
    """

    def __init__(self) -> None:
        self.pending: deque[tuple[int, int]] = deque()
        self.done: dict[int, WorkerResult] = {}
        self.free: list[int] = []

    def begin(self, visit: int) -> int:
        """Take a free slot for a visit."""
        slot = self.free.pop()
        self.pending.append((visit, slot))
        return slot

    def drop(self) -> None:
        """Forget the samples; slots of those that are not loaded are free when these are."""
        for _, slot in self.pending:
            if self.done.pop(slot, None) is not None:
                self.free.append(slot)
        self.pending.clear()

    def clear(self, slots: Collection[int] = ()) -> None:
        """Forget everything; `slots` are free."""
        self.pending.clear()
        self.done.clear()
        self.free = list(slots)

    def add(self, result: WorkerResult, is_current: bool) -> None:
        """Take a result; one of a former work only frees its slot."""
        if is_current and any(slot == result.slot for _, slot in self.pending):
            self.done[result.slot] = result
        else:
            self.free.append(result.slot)

    def first_done(self) -> tuple[int, WorkerResult] | None:
        """Take the visit and result of the next sample; None if it is not loaded."""
        if not self.pending or self.pending[0][1] not in self.done:
            return None
        visit, slot = self.pending.popleft()
        return visit, self.done.pop(slot)

    def are_loaded(self, count: int) -> bool:
        """Whether the next `count` samples, or all, are loaded without an error."""
        asked = [self.done.get(slot) for _, slot in islice(self.pending, count)]
        # A failed sample may be skipped, and another one has to be waited for.
        return all(result is not None and result.error_parts is None for result in asked)


def unpacked(result: WorkerResult, memory: SharedMemory, slot_bytes: int) -> Any:
    """The sample of a result; None if it has none.

    Args:
        result: of the sample.
        memory: of all slots.
        slot_bytes: of one.
    """
    if result.text is None:
        return None
    start = result.slot * slot_bytes
    with memory.view() as whole, whole[start : start + slot_bytes] as view:
        return unpack(result.text, list(result.buffers), view)


def whole_pages(size: int) -> int:
    """Bytes of the memory pages that so many bytes take, at least one page."""
    return -(-max(size, 1) // _PAGE) * _PAGE
