"""Samples made ahead by threads, handed out in order."""

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
from densefit.data.workers.thread_pool import Call, Workers
from densefit.errors import DataError

Result = TypeVar("Result", covariant=True)
Thing = TypeVar("Thing")

LOOK = 0.5  # seconds between two looks at what the workers are busy with


class Job(Protocol[Result]):
    """Makes something of a visit's sample; called by several threads at once."""

    @property
    def dataset(self) -> Dataset: ...

    def __call__(self, visit: int, /) -> Result: ...


class AnyAhead(Protocol[Thing]):
    """What threads (`Ahead`) and processes (`ProcessAhead`) have in common."""

    current: int

    def begin(self, work: Job[Thing], order: Iterable[int]) -> None: ...

    def next(self) -> Thing | None: ...

    def ready(self, count: int) -> bool: ...

    def stop(self) -> None: ...


class Ahead(Generic[Thing]):
    """A bounded window of samples under way.

    Args:
        workers: threads; 0 makes each sample when it is asked for, in the caller's thread.
        window: samples under way at most.
        timeout: seconds that one sample may take in its thread, from its begin to its end, whether
            somebody waits for it or not. A sample made in the caller's thread has no limit.

    Attributes:
        current: the visit that was asked for last (see `Order`), -1 if none.
    """

    def __init__(self, workers: int, window: int, timeout: float) -> None:
        self.workers, self.window, self.timeout = workers, window, timeout
        self.current = -1
        self._work: Job[Thing] | None = None
        self._order: Iterator[int] = iter(())
        self._pending: deque[tuple[int, Call]] = deque()
        self._pool: Workers | None = None
        self._finalizer: weakref.finalize[Any, Any] | None = None

    def begin(self, work: Job[Thing], order: Iterable[int]) -> None:
        """Drop what is under way; from now on `work` makes the samples of `order`."""
        self.drop()
        self._work, self._order = work, iter(order)

    def drop(self) -> None:
        """Make no more samples."""
        for _, future in self._pending:
            future.cancel()
        self._pending.clear()
        self._order = iter(())

    def next(self) -> Thing | None:
        """The next sample in order, None at the end.

        Raises:
            DataError: the sample could not be made; the one after it comes next.
            TooSlowError: it took too long; or one of an epoch that was given up does, and no
                thread is left.
        """
        if self.workers == 0 and self._work is not None:
            self.current = next(self._order, -1)
            if self.current < 0:
                return None
            hold()  # a number of threads of OpenCV's must not show in the samples
            try:
                return self._work(self.current)
            finally:
                release()
        self._fill()
        if self._work is None or not self._pending:
            return None
        self.current, call = self._pending.popleft()
        self._fill()  # one more, before waiting
        while not call.done():
            self._wait(call)
        if call.seconds > self.timeout:
            raise too_slow(_id(call), self.timeout, call.seconds) from call.exception()
        made: Thing = call.result()
        return made

    def _wait(self, call: Call) -> None:
        """Wait a while for a call. Raises TooSlowError if it, or what keeps it waiting, hangs."""
        now = time.monotonic()
        busy = [call] if call.begun is not None or self._pool is None else self._pool.running()
        for one in busy:  # of an epoch that was given up, where `call` has no thread yet
            if one.begun is not None and now - one.begun > self.timeout and not one.done():
                self.stop()  # its thread is lost; the next epoch gets new ones
                raise too_slow(_id(one), self.timeout)
        left = self.timeout if call.begun is None else call.begun + self.timeout - now
        wait([call], min(LOOK, max(left, 0.0) + 0.001, self.timeout / 4))

    def all(self, work: Job[Thing], order: Iterable[int]) -> Iterator[Thing]:
        """The samples of `order`, from one to the next; what is left when one stops is dropped.

        Raises:
            DataError: see `next`; or others were begun in the midst of these.
        """
        self.begin(work, order)
        own = self._order
        try:
            while True:
                if self._order is not own:
                    raise DataError(
                        "The loader was closed or begun anew in the midst of an iteration",
                        received="a second iteration over the same loader",
                        where=repr(work.dataset),
                        fix="make a loader for each, or end one iteration before the next",
                    )
                made = self.next()
                if made is None:
                    return
                yield made
        finally:
            if self._order is own:
                self.drop()

    def ready(self, count: int) -> bool:
        """Whether the next `count` samples, or all that are left, are made; starts what is not.

        Not if one failed: where it is skipped, others have to be waited for.
        """
        if self.workers == 0:
            return False
        self._fill()
        return all(
            future.done() and future.exception() is None
            for _, future in islice(self._pending, count)
        )

    def stop(self) -> None:
        """End the threads; asking for samples again starts new ones."""
        self.drop()
        if self._finalizer is not None:
            self._finalizer()  # stops the pool, once
        self._pool = self._finalizer = None

    def _fill(self) -> None:
        """Keep the window full."""
        while self._work is not None and len(self._pending) < self.window:
            index = next(self._order, None)
            if index is None:
                return
            if self._pool is None:
                self._pool = Workers(self.workers)
                hold()
                # Runs when this object is collected, and at exit before threads are frozen.
                self._finalizer = weakref.finalize(self, _end, self._pool)
            self._pending.append((index, self._pool.submit(self._work, index)))


def _id(call: Call) -> str:
    """The id of the sample that a call makes."""
    dataset = getattr(call.function, "dataset", ())
    return sample_id(dataset, place_of(call.argument, len(dataset)))


def _end(pool: Workers) -> None:
    """End the threads of a pool; OpenCV may have its own again."""
    pool.stop()
    release()
