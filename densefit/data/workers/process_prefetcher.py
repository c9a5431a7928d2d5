"""Samples made ahead by processes, handed out in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Generic, TypeVar

from densefit.data.sample_id import sample_id
from densefit.data.sampler import place_of
from densefit.data.workers.errors import LostWorkerError, too_slow
from densefit.data.workers.picklable import pickled
from densefit.data.workers.pickle_buffers import unpack
from densefit.data.workers.process_pool import MOST_SLOTS, DeadError, Processes
from densefit.data.workers.thread_prefetcher import LOOK, Job
from densefit.data.workers.worker_main import START, Answer
from densefit.errors import DataError, DensefitError

Thing = TypeVar("Thing")

_PAGE = 4096


class RemoteError(Exception):
    """The cause of an error in another process: its traceback as a text."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class ProcessAhead(Generic[Thing]):
    """A bounded window of samples under way in other processes; see `Ahead`.

    Args:
        workers: processes.
        window: samples under way at most, and so slots of shared memory.
        timeout: seconds that one sample may take in its process, as in `Ahead`.
        slot_bytes: expected for one sample's arrays. What does not fit goes through a pipe, and
            the slots are larger in the next epoch.

    Attributes:
        current: the visit that was asked for last (see `Order`), -1 if none.
    """

    def __init__(self, workers: int, window: int, timeout: float, slot_bytes: int) -> None:
        self.workers, self.window, self.timeout = workers, min(window, MOST_SLOTS), timeout
        self.current = -1
        self._slot_bytes = _pages(slot_bytes)
        self._wanted = 0  # bytes of the largest sample so far
        self._work: Job[Thing] | None = None
        self._order: Iterator[int] = iter(())
        self._number = 0  # of the work
        self._sent = False  # whether the workers have it
        self._pool: Processes | None = None
        self._pending: deque[tuple[int, int]] = deque()  # (visit, slot), in order
        self._done: dict[int, Answer] = {}  # by slot
        self._free: list[int] = []

    @property
    def shared_bytes(self) -> int:
        """Bytes of memory that the processes share now; 0 without processes."""
        return 0 if self._pool is None else self._pool.memory.size + self._pool.letter.size

    def begin(self, work: Job[Thing], order: Iterable[int]) -> None:
        """Drop what is under way; from now on `work` makes the samples of `order`."""
        self.drop()
        self._work, self._order, self._sent = work, iter(order), False

    def drop(self) -> None:
        """Make no more samples."""
        if self._pool is not None:
            self._pool.board.wanted = 0
        for _, slot in self._pending:
            if self._done.pop(slot, None) is not None:
                self._free.append(slot)  # the others are free when they are answered
        self._pending.clear()
        self._order = iter(())

    def next(self) -> Thing | None:
        """The next sample in order, None at the end.

        Raises:
            DataError: the sample could not be made; the one after it comes next.
            LostWorkerError: it took too long, or a process ended.
            ConfigError: the work cannot be sent to a process.
        """
        try:
            answer, made = self._next()
        except BaseException:
            self.stop()  # an interrupt may have come in the middle of an answer
            raise
        if answer is None:
            return made
        remote = None if answer.facts is None else RemoteError(answer.trace)
        if answer.seconds > self.timeout and not answer.lost:
            raise too_slow(self._id(self.current), self.timeout, answer.seconds) from remote
        if answer.facts is not None:
            facts: dict[str, Any] = dict(answer.facts)
            kind = DataError
            if answer.lost:  # so would be all others
                self.stop()
                kind = LostWorkerError
            raise kind(facts.pop("what"), **facts) from remote
        return made

    def ready(self, count: int) -> bool:
        """Whether the next `count` samples, or all that are left, are made; starts what is not."""
        try:
            self._fill()
        except DensefitError:
            return True  # `next` raises it, where it is waited for
        asked = [self._done.get(slot) for _, slot in islice(self._pending, count)]
        # One that failed may be skipped, and others have to be waited for.
        return all(answer is not None and answer.facts is None for answer in asked)

    def stop(self) -> None:
        """End the processes; asking for samples again starts new ones."""
        self.drop()
        if self._pool is not None:
            self._pool.stop()
        self._pool, self._sent = None, False
        self._done.clear()
        self._free = []

    def _next(self) -> tuple[Answer | None, Thing | None]:
        self._fill()
        asked = time.monotonic()
        while self._pool is not None and self._work is not None:
            if self._pending and self._pending[0][1] in self._done:
                self.current, slot = self._pending.popleft()
                answer = self._done.pop(slot)
                made: Thing | None = None
                if answer.text is not None:
                    size = self._slot_bytes
                    with self._pool.memory.view() as whole:
                        with whole[slot * size : (slot + 1) * size] as view:
                            made = unpack(answer.text, list(answer.places), view)
                self._free.append(slot)
                self._fill()
                return answer, made
            if not self._pending and self._free:  # the order is at its end
                break
            self._listen(self._patience(asked))
            self._fill()
        return None, None

    def _fill(self) -> None:
        """Keep the window full."""
        if self._pool is not None:
            self._listen(0.0)
        while self._work is not None and (self._free or self._pool is None):
            visit = next(self._order, None)
            if visit is None:
                return
            pool = self._ready(self._work)
            slot = self._free.pop()
            self._pending.append((visit, slot))
            pool.submit(self._number, slot, visit)

    def _ready(self, work: Job[Thing]) -> Processes:
        """The processes, with the work."""
        text = b"" if self._sent else pickled(work)
        if self._pool is None:
            self._slot_bytes = max(self._slot_bytes, _pages(self._wanted))
            self._pool = Processes(self.workers, self.window, self._slot_bytes)
            self._free, self._number = list(range(self.window)), 0
        if not self._sent:
            # Larger slots, but only while no worker may write to the old ones.
            if self._wanted > self._slot_bytes and len(self._free) == self.window:
                self._slot_bytes = _pages(self._wanted)
                self._pool.memory.resize(self.window * self._slot_bytes)
            self._number += 1
            self._pool.letter.write(self._number, text)
            self._pool.board.wanted = self._number
            self._sent = True
        return self._pool

    def _listen(self, seconds: float) -> None:
        """Take the answers that come within some seconds."""
        if self._pool is None:
            return
        try:
            answers = self._pool.answers(seconds)
        except DeadError as death:
            claim = self._pool.board.busy(death.worker)
            lost = claim is not None and claim.slot not in self._done
            raise LostWorkerError(
                "A worker process ended" + ("" if lost else " before it began with a sample"),
                received=death.how,
                where=f"sample {self._id(claim.visit)!r}" if lost and claim is not None else None,
                fix="see what it says above, and whether memory is left; a crash of a library that "
                "decodes or transforms shows with workers=0 too. A script needs its `if __name__ "
                '== "__main__":` around what trains',
            ) from None
        wanted = {slot for _, slot in self._pending}
        for answer in answers:
            self._wanted = max(self._wanted, answer.wanted)
            if answer.number == self._number and answer.slot in wanted:
                self._done[answer.slot] = answer
            else:
                self._free.append(answer.slot)

    def _patience(self, asked: float) -> float:
        """Seconds to wait before looking again. Raises LostWorkerError if there is none left."""
        now = time.monotonic()
        claims = [self._pool.board.busy(k) for k in range(self.workers)] if self._pool else []
        busy = [claim for claim in claims if claim and claim.slot not in self._done]
        wanted = self._pending[0][1] if self._pending else -1
        # Where it has begun, another one's turn has not come; else that may be what it waits for.
        for claim in [one for one in busy if one.slot == wanted] or busy:
            if now - claim.since > self.timeout:
                raise too_slow(self._id(claim.visit), self.timeout)
        if not busy and now - asked > START + self.timeout:
            raise LostWorkerError("The worker processes do not begin", expected=f"{START:g} s")
        return min(LOOK, self.timeout / 4)

    def _id(self, visit: int) -> str:
        if self._work is None:
            return str(visit)
        dataset = self._work.dataset
        return sample_id(dataset, place_of(visit, len(dataset)))


def _pages(size: int) -> int:
    return -(-max(size, 1) // _PAGE) * _PAGE
