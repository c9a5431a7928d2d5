"""A few daemon threads that work through a queue."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from typing import Any, Callable, Optional

_Task = Optional[tuple["Future[Any]", Callable[[int], Any], int]]


class Workers:
    """Threads that run `function(argument)` in the order of submission.

    In place of a ThreadPoolExecutor, whose threads are joined when Python exits: there, one read
    that never returns (a dead network drive) keeps the process alive for ever.
    """

    def __init__(self, count: int) -> None:
        self._tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(
                target=_work, args=(self._tasks, self._stopped), name=f"densefit-{i}", daemon=True
            )
            for i in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[[int], Any], argument: int) -> Future[Any]:
        """Queue a call; its result or exception comes by the future."""
        future: Future[Any] = Future()
        self._tasks.put((future, function, argument))
        return future

    def stop(self, wait: float = 1.0) -> None:
        """End the threads; calls under way get `wait` seconds in all, queued ones are dropped."""
        self._stopped.set()
        for _ in self._threads:
            self._tasks.put(None)
        deadline = time.monotonic() + wait
        for thread in self._threads:
            # The garbage of a forgotten loader may be collected in one of its own threads.
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))


def _work(tasks: queue.SimpleQueue[_Task], stopped: threading.Event) -> None:
    """What a thread does. It must not know its Workers, or those would never be collected."""
    while True:
        task = tasks.get()
        if task is None or stopped.is_set():
            return
        future, function, argument = task
        if not future.set_running_or_notify_cancel():
            continue
        try:
            result = function(argument)
        except BaseException as error:  # the consumer decides; a dead thread would hang it
            future.set_exception(error)
        else:
            future.set_result(result)
            del result
        del task, future, function  # a thread that waits must not keep the last sample in memory
