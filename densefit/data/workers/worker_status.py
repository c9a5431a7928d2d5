"""The present task and the assignment of each worker process, in shared memory."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass

from densefit.data.workers.shared_memory import SharedMemory

_WORD = struct.Struct("<Q")
_ENTRY = struct.Struct("<QQd")  # slot + 1 or 0, visit, seconds of the system's monotonic clock


@dataclass(frozen=True)
class Assignment:
    """The sample that a worker is loading.

    Attributes:
        slot: for its result.
        visit: of the sample.
        since: `time.monotonic()` from which its time limit counts; all processes share the clock.
    """

    slot: int
    visit: int
    since: float


class WorkerStatus:
    """Lock-free table of assignments: one writer for each entry; readers poll.

    A dead worker cannot report its sample; its entry still names it.

    Args:
        workers: their number.
    """

    def __init__(self, workers: int) -> None:
        self._memory = SharedMemory(_WORD.size + workers * _ENTRY.size)

    @property
    def current(self) -> int:
        """Number of the task whose samples are needed; 0 if none is."""
        with self._memory.view() as view:
            return int(_WORD.unpack_from(view, 0)[0])

    @current.setter
    def current(self, number: int) -> None:
        with self._memory.view() as view:
            _WORD.pack_into(view, 0, number)

    def start(self, worker: int, slot: int, visit: int, delay: float = 0.0) -> None:
        """Publish that a worker starts a sample.

        Args:
            worker: its number.
            slot: for the result.
            visit: of the sample.
            delay: seconds before its time limit counts, for preparations.
        """
        entry = _ENTRY.pack(slot + 1, visit, time.monotonic() + delay)
        offset = self._offset(worker)
        with self._memory.view() as view:
            # The slot is cleared first and set last, each a word that is written at once: nobody
            # reads it beside the time of another assignment, however long this process is paused.
            view[offset : offset + _WORD.size] = bytes(_WORD.size)
            view[offset + _WORD.size : offset + _ENTRY.size] = entry[_WORD.size :]
            view[offset : offset + _WORD.size] = entry[: _WORD.size]

    def finish(self, worker: int) -> None:
        """Publish that a worker is idle."""
        with self._memory.view() as view:
            offset = self._offset(worker)
            view[offset : offset + _WORD.size] = bytes(_WORD.size)

    def assignment(self, worker: int) -> Assignment | None:
        """The sample that a worker is loading, or was when it died."""
        with self._memory.view() as view:
            offset = self._offset(worker)
            slot, visit, since = _ENTRY.unpack(bytes(view[offset : offset + _ENTRY.size]))
        return Assignment(slot - 1, visit, since) if slot else None

    def close(self) -> None:
        """Release the memory."""
        self._memory.close()

    def _offset(self, worker: int) -> int:
        return _WORD.size + worker * _ENTRY.size
