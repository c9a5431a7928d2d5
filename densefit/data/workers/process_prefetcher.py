"""Load samples ahead by processes, and yield them in order."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from densefit.data.sample_id import sample_id
from densefit.data.sampler import place_of
from densefit.data.workers.errors import LostWorkerError, too_slow
from densefit.data.workers.picklable import to_pickle
from densefit.data.workers.process_pool import MOST_SLOTS, ProcessPool, WorkerDiedError
from densefit.data.workers.remote_errors import RemoteError as RemoteError
from densefit.data.workers.remote_errors import check_result, worker_ended
from densefit.data.workers.slot_window import SlotWindow, unpacked, whole_pages
from densefit.data.workers.thread_prefetcher import POLL_SECONDS, Job
from densefit.data.workers.worker_main import STARTUP_SECONDS, WorkerResult
from densefit.errors import DensefitError
from densefit.old_paths import former_names

Item = TypeVar("Item")


class ProcessPrefetcher(Generic[Item]):
    """Keeps a bounded window of samples in flight in processes; see `ThreadPrefetcher`.

    Args:
        workers: processes.
        window: samples in flight at most, and so slots of shared memory.
        timeout: seconds that one sample may take in its process, as in `ThreadPrefetcher`.
        slot_bytes: expected for one sample's arrays. Larger ones go through a pipe, and the slots
            grow in the next epoch.

    Attributes:
        current: the visit that was requested last (see `Order`), -1 if none.
    """

    def __init__(self, workers: int, window: int, timeout: float, slot_bytes: int) -> None:
        self.workers, self.window, self.timeout = workers, min(window, MOST_SLOTS), timeout
        self.current = -1
        self._slot_bytes = whole_pages(slot_bytes)
        self._needed_bytes = 0  # bytes of the largest sample so far
        self._work: Job[Item] | None = None
        self._dataset: Any = None  # that the workers have
        self._order: Iterator[int] = iter(())
        self._number = 0  # of the work
        self._sent = False  # whether the workers have it
        self._pool: ProcessPool | None = None
        self._slots = SlotWindow()

    @property
    def shared_bytes(self) -> int:
        """Bytes of shared memory now; 0 without processes."""
        return 0 if self._pool is None else self._pool.shared_bytes

    def begin(self, work: Job[Item], order: Iterable[int]) -> None:
        """Drop the samples in flight; from now on `work` loads the visits of `order`."""
        self.drop()
        self._work, self._order, self._sent = work, iter(order), False

    def drop(self) -> None:
        """Cancel all samples in flight."""
        if self._pool is not None:
            self._pool.status.current = 0
        self._slots.drop()
        self._order = iter(())

    def next(self) -> Item | None:
        """Return the next sample in order, None at the end.

        Raises:
            DataError: the sample could not be loaded; the following one comes next.
            LostWorkerError: it took too long, or a process ended.
            ConfigError: the work cannot be pickled.
        """
        try:
            result, item = self._next()
        except BaseException:
            self.stop()  # an interrupt may have come in the middle of a result
            raise
        if result is None:
            return item
        if result.is_fatal and result.error_parts is not None:  # all others would fail too
            self.stop()
        check_result(result, self._id(self.current), self.timeout)
        return item

    def ready(self, count: int) -> bool:
        """Whether the next `count` samples, or all that remain, are loaded; fills the window."""
        try:
            self._fill()
        except DensefitError:
            return True  # `next` raises it
        return self._slots.are_loaded(count)

    def stop(self) -> None:
        """Stop the processes; the next request starts new ones."""
        self.drop()
        if self._pool is not None:
            self._pool.stop()
        self._pool, self._dataset, self._sent = None, None, False
        self._slots.clear()

    def _next(self) -> tuple[WorkerResult | None, Item | None]:
        self._fill()
        asked = time.monotonic()
        while self._pool is not None and self._work is not None:
            loaded = self._slots.first_done()
            if loaded is not None:
                self.current, result = loaded
                item: Item | None = unpacked(result, self._pool.memory, self._slot_bytes)
                self._slots.free.append(result.slot)
                self._fill()
                return result, item
            if not self._slots.pending and self._slots.free:  # end of the order
                break
            self._listen(self._patience(asked))
            self._fill()
        return None, None

    def _fill(self) -> None:
        """Fill the window."""
        if self._pool is not None:
            self._listen(0.0)
        while self._work is not None and (self._slots.free or self._pool is None):
            visit = next(self._order, None)
            if visit is None:
                return
            pool = self._ready(self._work)
            pool.submit(self._number, self._slots.begin(visit), visit)

    def _ready(self, work: Job[Item]) -> ProcessPool:
        """Return the processes, which have the present work."""
        dataset = getattr(work, "dataset", None)
        text = b"" if self._sent else to_pickle(work, dataset=dataset)
        is_new = self._pool is None or (not self._sent and dataset is not self._dataset)
        dataset_text = to_pickle(dataset, "work.dataset") if is_new else b""
        if self._pool is None:
            self._slot_bytes = max(self._slot_bytes, whole_pages(self._needed_bytes))
            self._pool = ProcessPool(self.workers, self.window, self._slot_bytes)
            self._slots.clear(range(self.window))
            self._number = 0
        if not self._sent:
            # Larger slots, but only while no worker may write to the old ones.
            if self._needed_bytes > self._slot_bytes and len(self._slots.free) == self.window:
                self._slot_bytes = whole_pages(self._needed_bytes)
                self._pool.memory.resize(self.window * self._slot_bytes)
            self._number += 1
            if is_new:
                self._pool.status.current = 0  # no worker opens a task whose dataset is replaced
                self._pool.dataset.write(self._number, dataset_text)
                self._dataset = dataset
            self._pool.mailbox.write(self._number, text)
            self._pool.status.current = self._number
            self._sent = True
        return self._pool

    def _listen(self, seconds: float) -> None:
        """Collect the results that arrive within some seconds."""
        if self._pool is None:
            return
        try:
            results = self._pool.results(seconds)
        except WorkerDiedError as death:
            claim = self._pool.status.assignment(death.worker)
            has_begun = claim is not None and claim.slot not in self._slots.done
            sample = self._id(claim.visit) if has_begun and claim is not None else None
            raise worker_ended(death.reason, sample) from None
        for result in results:
            self._needed_bytes = max(self._needed_bytes, result.slot_bytes)
            self._slots.add(result, result.number == self._number)

    def _patience(self, asked: float) -> float:
        """Seconds to wait before the next check. Raises LostWorkerError at the time limit."""
        now = time.monotonic()
        assignments = (
            [self._pool.status.assignment(k) for k in range(self.workers)] if self._pool else []
        )
        busy = [claim for claim in assignments if claim and claim.slot not in self._slots.done]
        next_slot = self._slots.pending[0][1] if self._slots.pending else -1
        # A started sample has its own limit; one that waits for a worker has that of the others.
        for claim in [claim for claim in busy if claim.slot == next_slot] or busy:
            if now - claim.since > self.timeout:
                raise too_slow(self._id(claim.visit), self.timeout)
        if not busy and now - asked > STARTUP_SECONDS + self.timeout:
            raise LostWorkerError(
                "The worker processes do not begin", expected=f"{STARTUP_SECONDS:g} s"
            )
        return min(POLL_SECONDS, self.timeout / 4)

    def _id(self, visit: int) -> str:
        if self._work is None:
            return str(visit)
        dataset = self._work.dataset
        return sample_id(dataset, place_of(visit, len(dataset)))


__getattr__ = former_names(__name__, {"ProcessAhead": "ProcessPrefetcher"})
