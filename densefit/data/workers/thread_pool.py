"""A pool of daemon threads with a queue."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Optional

_Task = Optional["Call"]


class Call(Future[Any]):
    """Future of a call, with its times.

    Attributes:
        function: that is called, with `argument`.
        begun: `time.monotonic()` when a thread started it; None before.
        seconds: elapsed, once it is finished.
    """

    def __init__(self, function: Callable[[int], Any], argument: int) -> None:
        super().__init__()
        self.function, self.argument = function, argument
        self.begun: float | None = None
        self.seconds = 0.0


class ThreadPool:
    """Threads that run `function(argument)` in the order of submission.

    In place of a ThreadPoolExecutor, whose threads are joined when Python exits: there, one read
    that never returns (a dead network drive) keeps the process alive for ever.
    """

    def __init__(self, count: int) -> None:
        self._tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        self._running: dict[int, Call] = {}  # by thread
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(
                target=_work,
                args=(self._tasks, self._stopped, self._running, i),
                name=f"densefit-{i}",
                daemon=True,
            )
            for i in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[[int], Any], argument: int) -> Call:
        """Queue a call and return its future."""
        call = Call(function, argument)
        self._tasks.put(call)
        return call

    def running(self) -> list[Call]:
        """The calls that threads are running."""
        return list(self._running.values())

    def stop(self, wait: float = 1.0) -> None:
        """Stop the threads; running calls get `wait` seconds in all, queued ones are dropped."""
        self._stopped.set()
        for _ in self._threads:
            self._tasks.put(None)
        deadline = time.monotonic() + wait
        for thread in self._threads:
            # The garbage of a forgotten loader may be collected in one of its own threads.
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))


def _work(
    tasks: queue.SimpleQueue[_Task],
    stopped: threading.Event,
    running: dict[int, Call],
    number: int,
) -> None:
    """Run queued calls. Holds no reference to its ThreadPool, which could not be collected then."""
    while True:
        call = tasks.get()
        if call is None or stopped.is_set():
            return
        if not call.set_running_or_notify_cancel():
            continue
        begun = call.begun = time.monotonic()
        running[number] = call
        try:
            result = call.function(call.argument)
        except BaseException as error:  # the consumer decides; a dead thread would hang it
            call.seconds = time.monotonic() - begun
            del running[number]
            call.set_exception(error)
        else:
            call.seconds = time.monotonic() - begun
            del running[number]
            call.set_result(result)
            del result
        del call  # a thread that waits must not keep the last sample in memory
