"""Which epoch is wanted, and what each worker process is busy with, in shared memory."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass

from densefit.data.workers.shared_memory import Memory

_WORD = struct.Struct("<Q")
_CLAIM = struct.Struct("<QQd")  # slot + 1 or 0, visit, seconds of the system's monotonic clock


@dataclass(frozen=True)
class Claim:
    """What a worker is busy with.

    Attributes:
        slot: where its result is wanted.
        visit: of which sample.
        since: `time.monotonic()` from which on its time counts; the clock is one for all
            processes.
    """

    slot: int
    visit: int
    since: float


class Board:
    """Written without locks: each place has one writer, and who reads too early asks again.

    A dead worker cannot say what it was busy with. Here it is written.

    Args:
        workers: their number.
    """

    def __init__(self, workers: int) -> None:
        self._memory = Memory(_WORD.size + workers * _CLAIM.size)

    @property
    def wanted(self) -> int:
        """Number of the work whose samples are wanted; 0 if none are."""
        with self._memory.view() as view:
            return int(_WORD.unpack_from(view, 0)[0])

    @wanted.setter
    def wanted(self, number: int) -> None:
        with self._memory.view() as view:
            _WORD.pack_into(view, 0, number)

    def claim(self, worker: int, slot: int, visit: int, later: float = 0.0) -> None:
        """Say that a worker begins with a sample.

        Args:
            worker: its number.
            slot: where the result is wanted.
            visit: of the sample.
            later: seconds until its time counts, for what has to be done before.
        """
        claim = _CLAIM.pack(slot + 1, visit, time.monotonic() + later)
        place = self._place(worker)
        with self._memory.view() as view:
            # The slot goes first and comes last, each a word that is written at once: nobody sees
            # it beside the time of another claim, however long this process is kept waiting here.
            view[place : place + _WORD.size] = bytes(_WORD.size)
            view[place + _WORD.size : place + _CLAIM.size] = claim[_WORD.size :]
            view[place : place + _WORD.size] = claim[: _WORD.size]

    def rest(self, worker: int) -> None:
        """Say that a worker has nothing to do."""
        with self._memory.view() as view:
            place = self._place(worker)
            view[place : place + _WORD.size] = bytes(_WORD.size)

    def busy(self, worker: int) -> Claim | None:
        """What a worker is, or was when it died, busy with."""
        with self._memory.view() as view:
            place = self._place(worker)
            slot, visit, since = _CLAIM.unpack(bytes(view[place : place + _CLAIM.size]))
        return Claim(slot - 1, visit, since) if slot else None

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()

    def _place(self, worker: int) -> int:
        return _WORD.size + worker * _CLAIM.size
