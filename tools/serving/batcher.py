"""One thread that computes: it gathers waiting images, and answers each as if it were alone."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from densefit.evaluation.batch_sizes import BatchSizes
from densefit.evaluation.predictor import Predicted

#: (fitted images of one input size, rows of the batch) -> predictions.
Compute = Callable[[Sequence[Any], int], list[Predicted]]


@dataclass(frozen=True)
class Model:
    """What the thread computes with.

    Attributes:
        compute: computes a batch.
        sizes: sizes of batches that give equal bits.
    """

    compute: Compute
    sizes: BatchSizes


class FullError(Exception):
    """As many images wait as may."""


class ExpiredError(Exception):
    """An image was not computed before its deadline."""


@dataclass
class _Waiting:
    fitted: Any
    key: Any
    deadline: float
    future: Future[Predicted] = field(default_factory=Future)


class Batcher:
    """Computes images in batches, in a thread of its own, which alone uses the network.

    Args:
        make: makes the model, in that thread.
        wait: longest time in seconds that an image waits for others.
        most: images that may wait.
        expected: number of images that will come soon; without any the thread does not wait.
        measured: called with (images, rows, seconds) of each batch.

    Raises:
        Exception: as `make` raises.
    """

    def __init__(
        self,
        make: Callable[[], Model],
        wait: float,
        most: int,
        expected: Callable[[], int] = lambda: 1,
        measured: Callable[[int, int, float], None] = lambda images, rows, seconds: None,
    ) -> None:
        self._wait, self._expected, self._measured = wait, expected, measured
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(most)
        self._started: Future[Model] = Future()
        self._thread = threading.Thread(target=self._run, args=(make,), name="network", daemon=True)
        self._thread.start()
        self.model = self._started.result()

    @property
    def waiting(self) -> int:
        """Number of images that wait."""
        return self._queue.qsize()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def submit(self, fitted: Any, key: Any, deadline: float) -> Future[Predicted]:
        """Let an image be computed.

        Args:
            fitted: the image.
            key: images of one key can share a batch.
            deadline: `time.monotonic` after which it is not computed any more.

        Raises:
            FullError: too many images wait.
        """
        item = _Waiting(fitted, key, deadline)
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            raise FullError from None
        return item.future

    def close(self) -> None:
        """Compute what waits, and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self, make: Callable[[], Model]) -> None:
        try:
            model = make()
        except BaseException as error:
            self._started.set_exception(error)
            return
        self._started.set_result(model)
        is_open = True
        while is_open:
            items, is_open = self._gather(model.sizes.most)
            by_key: dict[Any, list[_Waiting]] = {}
            for item in items:
                if time.monotonic() > item.deadline:
                    _fail(item.future, ExpiredError())
                elif item.future.set_running_or_notify_cancel():
                    by_key.setdefault(item.key, []).append(item)
            for together in by_key.values():
                self._compute(model, together)

    def _gather(self, most: int) -> tuple[list[_Waiting], bool]:
        """Wait for an image, and a moment for others; (images, whether more may come)."""
        items: list[_Waiting] = []
        item = self._queue.get()
        until = time.monotonic() + self._wait
        while item is not None:
            items.append(item)
            if len(items) == most:
                return items, True
            left = until - time.monotonic()
            try:
                # Nobody waits for an image that is not on its way.
                if left > 0 and self._expected() > len(items):
                    item = self._queue.get(timeout=left)
                else:
                    item = self._queue.get_nowait()
            except queue.Empty:
                return items, True
        return items, False

    def _compute(self, model: Model, items: list[_Waiting]) -> None:
        for count, rows in model.sizes.parts(len(items)):
            some, items = items[:count], items[count:]
            start = time.perf_counter()
            try:
                results = model.compute([item.fitted for item in some], rows)
            except BaseException as error:
                for item in some:
                    item.future.set_exception(error)
                continue
            self._measured(len(some), rows, time.perf_counter() - start)
            for item, result in zip(some, results):
                item.future.set_result(result)


def _fail(future: Future[Predicted], error: Exception) -> None:
    if future.set_running_or_notify_cancel():
        future.set_exception(error)
