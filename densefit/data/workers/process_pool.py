"""A pool of worker processes: one pipe of tasks, and a pipe of results for each."""

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

from densefit.data.workers.process_class import process_class
from densefit.data.workers.shared_memory import Mailbox, SharedMemory
from densefit.data.workers.worker_main import TASK, WorkerChannels, WorkerResult, run_worker
from densefit.data.workers.worker_status import WorkerStatus
from densefit.plugin_files import imported

_PIPE_TASKS = 64 * 1024 // TASK.size  # tasks that a pipe surely holds
MOST_SLOTS = _PIPE_TASKS // 4


class WorkerDiedError(Exception):
    """A worker process ended on its own.

    Attributes:
        worker: its number.
        reason: its exit status or signal.
    """

    def __init__(self, worker: int, reason: str) -> None:
        super().__init__(reason)
        self.worker, self.reason = worker, reason


class ProcessPool:
    """Processes that are not forked from this one: MXNet does not survive a fork.

    The parent needs no lock and no thread: a worker that dies at any moment leaves nothing locked.

    Args:
        count: of processes.
        slots: for results, at most `MOST_SLOTS`; there are never more tasks than slots.
        slot_bytes: of each.

    Attributes:
        status: the present assignment of each worker.
        mailbox: the pickled task of the epoch, without its dataset.
        dataset: the pickled dataset.
        memory: the slots.
    """

    def __init__(self, count: int, slots: int, slot_bytes: int) -> None:
        self.slots = slots
        self.memory = SharedMemory(slots * slot_bytes)
        self.mailbox, self.dataset, self.status = Mailbox(), Mailbox(), WorkerStatus(count)
        context = multiprocessing.get_context("spawn")
        tasks, self._tasks = context.Pipe(duplex=False)
        parent_alive, self._parent_alive = context.Pipe(duplex=False)
        self._results: list[connection.Connection] = []
        self._processes: list[Any] = []
        shared = (self.memory, self.mailbox, self.status, self.dataset)
        # Runs when this object is collected, and at exit before daemons are waited for.
        self._finalizer = util.Finalize(
            self,
            _stop,
            args=(self._tasks, self._parent_alive, self._results, self._processes, shared),
            exitpriority=10,
        )
        try:
            with _quiet_start():
                worker_process = process_class()
                for number in range(count):
                    results, sender = context.Pipe(duplex=False)
                    self._results.append(results)
                    channels = WorkerChannels(
                        *(number, tasks, sender, parent_alive, self.memory, self.mailbox),
                        *(self.status, slots, imported(), self.dataset),
                    )
                    process = worker_process(
                        target=run_worker, args=(channels,), name=f"densefit-{number}", daemon=True
                    )
                    process.start()
                    self._processes.append(process)
                    sender.close()  # or the end of the worker would not be seen
        except BaseException:
            self.stop()
            raise
        finally:
            tasks.close()
            parent_alive.close()

    @property
    def shared_bytes(self) -> int:
        """Bytes of shared memory."""
        return self.memory.size + self.mailbox.size + self.dataset.size

    def submit(self, number: int, slot: int, visit: int) -> None:
        """Request a sample of task `number` (see the mailbox) in a free slot."""
        # A dead reader raises BrokenPipeError here only if all are dead; `results` raises then.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._tasks.fileno(), TASK.pack(number, slot, visit))

    def results(self, timeout: float) -> list[WorkerResult]:
        """Return the results that have arrived, after waiting for the first one.

        Args:
            timeout: seconds to wait at most; 0 does not wait.

        Raises:
            WorkerDiedError: a process ended.
        """
        results = []
        for ready in connection.wait(self._results, timeout):
            try:
                results.append(pickle.loads(ready.recv_bytes()))  # type: ignore[union-attr]
            except (EOFError, OSError):
                number = self._results.index(ready)  # type: ignore[arg-type]
                raise WorkerDiedError(number, self._exit_reason(number)) from None
        return results

    def stop(self) -> None:
        """Stop the processes and release the memory; may be called twice."""
        self._finalizer()

    def _exit_reason(self, number: int) -> str:
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
    parent_alive: connection.Connection,
    results: Sequence[connection.Connection],
    processes: Sequence[Any],
    shared: tuple[Any, ...],
    wait: float = 1.0,
) -> None:
    """Stop a pool, without a reference to it: it could not be collected then."""
    tasks.close()  # idle workers exit
    for pipe in results:
        pipe.close()  # workers that send a result exit
    deadline = time.monotonic() + wait
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    parent_alive.close()  # workers in the middle of a sample exit
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
    """Start processes in the block without Ctrl-C, and with single-threaded libraries.

    They ignore SIGINT even while they import; OMP_NUM_THREADS is 1 in them.
    """
    resource_tracker.ensure_running()  # or its start would unblock the signals
    before_threads = os.environ.get("OMP_NUM_THREADS")
    blocked = {signal.SIGINT, signal.SIGTERM}
    set_mask = getattr(signal, "pthread_sigmask", None)  # Windows has none
    before = set_mask(signal.SIG_BLOCK, blocked) if set_mask else None
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before_threads is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before_threads
        if set_mask:
            set_mask(signal.SIG_SETMASK, before)
