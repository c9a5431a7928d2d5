"""A few worker processes that take tasks from one pipe and answer by their own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Iterator, Sequence
from multiprocessing import connection, resource_tracker, util
from typing import Any

from densefit.data.workers.shared_memory import Letter, Memory
from densefit.data.workers.worker_main import TASK, Answer, Desk, serve
from densefit.data.workers.worker_status import Board

_FIRST = 64 * 1024 // TASK.size  # tasks that the pipe surely holds
MOST_SLOTS = _FIRST // 4


class DeadError(Exception):
    """A worker process ended on its own.

    Attributes:
        worker: its number.
        how: it ended.
    """

    def __init__(self, worker: int, how: str) -> None:
        super().__init__(how)
        self.worker, self.how = worker, how


class Processes:
    """Processes that are started anew ("spawn"), since MXNet does not survive a fork.

    None of this needs a lock or a thread in the parent: a worker that dies at any moment leaves
    nothing locked behind.

    Args:
        count: of processes.
        slots: places for results, at most `MOST_SLOTS`; there are never more tasks than places.
        slot_bytes: of each.

    Attributes:
        board: what the workers are busy with.
        letter: what they work on.
        memory: the slots.
    """

    def __init__(self, count: int, slots: int, slot_bytes: int) -> None:
        self.slots = slots
        self.memory, self.letter, self.board = Memory(slots * slot_bytes), Letter(), Board(count)
        context = multiprocessing.get_context("spawn")
        tasks, self._tasks = context.Pipe(duplex=False)
        life, self._life = context.Pipe(duplex=False)
        self._answers: list[connection.Connection] = []
        self._processes: list[Any] = []
        shared = (self.memory, self.letter, self.board)
        # Runs when this object is collected, and at exit before daemons are waited for.
        self._finalizer = util.Finalize(
            self,
            _stop,
            args=(self._tasks, self._life, self._answers, self._processes, shared),
            exitpriority=10,
        )
        try:
            with _quiet_start():
                for number in range(count):
                    answers, own = context.Pipe(duplex=False)
                    self._answers.append(answers)
                    desk = Desk(number, tasks, own, life, *shared, slots)
                    process = context.Process(
                        target=serve, args=(desk,), name=f"densefit-{number}", daemon=True
                    )
                    process.start()
                    self._processes.append(process)
                    own.close()  # or its end would not be seen
        except BaseException:
            self.stop()
            raise
        finally:
            tasks.close()
            life.close()

    def submit(self, number: int, slot: int, visit: int) -> None:
        """Ask for a sample of work `number` (that of the letter) in a slot that is free."""
        # A dead reader raises BrokenPipeError here only if all are dead; `answers` tells of it.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._tasks.fileno(), TASK.pack(number, slot, visit))

    def answers(self, timeout: float) -> list[Answer]:
        """The answers that are there, after waiting for the first one.

        Args:
            timeout: seconds to wait at most; 0 looks only.

        Raises:
            DeadError: a process ended.
        """
        found = []
        for ready in connection.wait(self._answers, timeout):
            try:
                found.append(pickle.loads(ready.recv_bytes()))  # type: ignore[union-attr]
            except (EOFError, OSError):
                number = self._answers.index(ready)  # type: ignore[arg-type]
                raise DeadError(number, self._how(number)) from None
        return found

    def stop(self) -> None:
        """End the processes and give the memory back; may be called again."""
        self._finalizer()

    def _how(self, number: int) -> str:
        process = self._processes[number]
        process.join(1.0)
        code = process.exitcode
        if code is None:
            return "it closed its pipe"
        if code >= 0:
            return f"exit status {code}"
        name = signal.Signals(-code).name
        killed = " (the system does this where no memory is left)" if name == "SIGKILL" else ""
        return f"signal {name}{killed}"


def _stop(
    tasks: connection.Connection,
    life: connection.Connection,
    answers: Sequence[connection.Connection],
    processes: Sequence[Any],
    shared: tuple[Any, ...],
    wait: float = 1.0,
) -> None:
    """What `stop` does; it must not know the object, or that would never be collected."""
    tasks.close()  # who has nothing to do ends
    for own in answers:
        own.close()  # who wants to tell something ends
    deadline = time.monotonic() + wait
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    life.close()  # who is in the middle of a sample ends
    for process in processes:
        process.join(0.2)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()
    for memory in shared:
        memory.close()


@contextlib.contextmanager
def _quiet_start() -> Iterator[None]:
    """Processes that start in the block see no Ctrl-C, not even while they import.

    And libraries that ask the environment start one thread in them, not one for each CPU.
    """
    resource_tracker.ensure_running()  # or its start would lift the block
    known = os.environ.get("OMP_NUM_THREADS")
    blocked = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if known is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = known
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
