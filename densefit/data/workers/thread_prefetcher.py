"""Load samples ahead by threads, and yield them in order."""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import wait
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from densefit.data.sample import Dataset
from densefit.data.sample_id import sample_id
from densefit.data.sampler import place_of
from densefit.data.workers.errors import too_slow
from densefit.data.workers.opencv_threads import hold, release
from densefit.data.workers.thread_pool import Call, ThreadPool
from densefit.errors import DataError
from densefit.old_paths import former_names

Result = TypeVar("Result", covariant=True)
Item = TypeVar("Item")

POLL_SECONDS = 0.5  # between two checks of busy workers


class Job(Protocol[Result]):
    """Loads and processes the sample of a visit; several threads call it at once."""

    @property
    def dataset(self) -> Dataset: ...

    def __call__(self, visit: int, /) -> Result: ...


class SamplePrefetcher(Protocol[Item]):
    """Loads samples ahead of the consumer: a `ThreadPrefetcher` or a `ProcessPrefetcher`."""

    current: int

    def begin(self, work: Job[Item], order: Iterable[int]) -> None: ...

    def next(self) -> Item | None: ...

    def ready(self, count: int) -> bool: ...

    def stop(self) -> None: ...


class ThreadPrefetcher(Generic[Item]):
    """Keeps a bounded window of samples in flight in threads.

    Args:
        workers: threads; 0 loads each sample on demand, in the caller's thread.
        window: samples in flight at most.
        timeout: seconds that one sample may take in its thread, from start to end, whether the
            consumer waits for it or not. In the caller's thread there is no limit.

    Attributes:
        current: the visit that was requested last (see `Order`), -1 if none.
    """

    def __init__(self, workers: int, window: int, timeout: float) -> None:
        self.workers, self.window, self.timeout = workers, window, timeout
        self.current = -1
        self._work: Job[Item] | None = None
        self._order: Iterator[int] = iter(())
        self._pending: deque[tuple[int, Call]] = deque()
        self._pool: ThreadPool | None = None
        self._finalizer: weakref.finalize[Any, Any] | None = None

    def begin(self, work: Job[Item], order: Iterable[int]) -> None:
        """Drop the samples in flight; from now on `work` loads the visits of `order`."""
        self.drop()
        self._work, self._order = work, iter(order)

    def drop(self) -> None:
        """Cancel all samples in flight."""
        for _, future in self._pending:
            future.cancel()
        self._pending.clear()
        self._order = iter(())

    def next(self) -> Item | None:
        """Return the next sample in order, None at the end.

        Raises:
            DataError: the sample could not be loaded; the following one comes next.
            TooSlowError: it took too long; or a sample of an abandoned epoch does, and no thread
                is free.
        """
        if self.workers == 0 and self._work is not None:
            self.current = next(self._order, -1)
            if self.current < 0:
                return None
            hold()  # samples must not depend on OpenCV's number of threads
            try:
                return self._work(self.current)
            finally:
                release()
        if not self._pending:
            self._fill()
        if self._work is None or not self._pending:
            return None
        self.current, call = self._pending.popleft()
        self._fill()  # one more, before waiting
        while not call.done():
            self._wait(call)
        if call.seconds > self.timeout:
            raise too_slow(_id(call), self.timeout, call.seconds) from call.exception()
        item: Item = call.result()
        return item

    def _wait(self, call: Call) -> None:
        """Wait a while for a call. Raises TooSlowError if it, or a call before it, hangs."""
        now = time.monotonic()
        busy = [call] if call.begun is not None or self._pool is None else self._pool.running()
        for running in busy:  # of an abandoned epoch, where `call` has no thread yet
            if running.begun is None or running.done():
                continue
            if now - running.begun > self.timeout:
                self.stop()  # its thread is lost; the next epoch gets new ones
                raise too_slow(_id(running), self.timeout)
        left = self.timeout if call.begun is None else call.begun + self.timeout - now
        wait([call], min(POLL_SECONDS, max(left, 0.0) + 0.001, self.timeout / 4))

    def all(self, work: Job[Item], order: Iterable[int]) -> Iterator[Item]:
        """Yield the samples of `order`; when the consumer stops, the rest is dropped.

        Raises:
            DataError: see `next`; or another iteration began before this one ended.
        """
        self.begin(work, order)
        order_of_this_iteration = self._order
        try:
            while True:
                if self._order is not order_of_this_iteration:
                    raise DataError(
                        "The loader was closed or begun anew in the midst of an iteration",
                        received="a second iteration over the same loader",
                        where=repr(work.dataset),
                        fix="make a loader for each, or end one iteration before the next",
                    )
                item = self.next()
                if item is None:
                    return
                yield item
        finally:
            if self._order is order_of_this_iteration:
                self.drop()

    def ready(self, count: int) -> bool:
        """Whether the next `count` samples, or all that remain, are loaded; fills the window.

        False if a sample failed: where it is skipped, another one has to be waited for.
        """
        if self.workers == 0:
            return False
        self._fill()
        return all(
            future.done() and future.exception() is None
            for _, future in islice(self._pending, count)
        )

    def stop(self) -> None:
        """Stop the threads; the next request starts new ones."""
        self.drop()
        if self._finalizer is not None:
            self._finalizer()  # stops the pool, once
        self._pool = self._finalizer = None

    def _fill(self) -> None:
        """Fill the window."""
        while self._work is not None and len(self._pending) < self.window:
            index = next(self._order, None)
            if index is None:
                return
            if self._pool is None:
                self._pool = ThreadPool(self.workers)
                hold()
                # Runs when this object is collected, and at exit before threads are frozen.
                self._finalizer = weakref.finalize(self, _end, self._pool)
            self._pending.append((index, self._pool.submit(self._work, index)))


def _id(call: Call) -> str:
    """The id of the sample that a call loads."""
    dataset = getattr(call.function, "dataset", ())
    return sample_id(dataset, place_of(call.argument, len(dataset)))


def _end(pool: ThreadPool) -> None:
    """Stop the threads of a pool, and restore OpenCV's."""
    pool.stop()
    release()


__getattr__ = former_names(__name__, {"Ahead": "ThreadPrefetcher", "AnyAhead": "SamplePrefetcher"})
