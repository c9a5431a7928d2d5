"""Main loop of a worker process."""

from __future__ import annotations

import os
import pickle
import signal
import struct
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from densefit.data.workers.errors import LostWorkerError, error_text
from densefit.data.workers.pickle_buffers import pack
from densefit.data.workers.shared_memory import Mailbox, SharedMemory
from densefit.data.workers.work_opener import WorkOpener
from densefit.data.workers.worker_status import WorkerStatus
from densefit.errors import DensefitError
from densefit.plugin_files import PluginFile, run_plugin

TASK = struct.Struct("<IIq")  # number of the task, slot, visit
STARTUP_SECONDS = 300.0  # to import, and to unpickle an epoch's work
_NEVER = 1e9  # seconds
_PARTS = ("expected", "received", "where", "fix")

ErrorParts = dict[str, str | None]


@dataclass(frozen=True)
class WorkerResult:
    """Result of a task: a pickled sample, or an error.

    Attributes:
        number: of the task in the mailbox.
        slot: of the sample.
        text: pickle of the sample (see `pickle_buffers`); None if there is none.
        buffers: offsets and lengths of its arrays in the slot.
        slot_bytes: that a slot needs for all of them.
        error_parts: parts of the error that was raised instead, as texts.
        traceback_text: of that error.
        is_fatal: whether other samples would fail too: the worker cannot work at all, or memory
            has run out.
        seconds: elapsed for the sample.
    """

    number: int
    slot: int
    text: bytes | None = None
    buffers: tuple[int, ...] = ()
    slot_bytes: int = 0
    error_parts: ErrorParts | None = None
    traceback_text: str = ""
    is_fatal: bool = False
    seconds: float = 0.0


@dataclass
class WorkerChannels:
    """Pipes and shared memory handed to a worker process.

    Attributes:
        worker: its number.
        tasks: `TASK`s of all workers; each takes the next one. At the end of this pipe the worker
            exits.
        results: pipe of this worker.
        parent_alive: a pipe; its end means that the parent process has exited.
        memory: the slots.
        mailbox: the pickled task of the epoch, see `to_pickle`.
        status: where the worker publishes its assignment.
        slots: their number.
        plugins: plugin files of the parent process, which its pickles may refer to.
        dataset: the pickled dataset, which stays the same for many epochs; None: it is pickled
            with the task.
    """

    worker: int
    tasks: Connection
    results: Connection
    parent_alive: Connection
    memory: SharedMemory
    mailbox: Mailbox
    status: WorkerStatus
    slots: int
    plugins: tuple[PluginFile, ...] = ()
    dataset: Mailbox | None = None


def run_worker(channels: WorkerChannels) -> None:
    """Load samples until the parent closes its pipe of tasks."""
    # Ctrl-C and SIGTERM reach all processes of a terminal or a job at once. The parent decides
    # what they mean; it may need the rest of an epoch.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, args=(channels.parent_alive,), daemon=True).start()
    _single_threaded()
    # Heads import what builds graphs, and build none here: the import of MXNet takes seconds.
    os.environ.setdefault("DENSEFIT_SYMBOL", "densefit")
    opened_number, work, opener = 0, None, WorkOpener(channels.dataset)
    while True:
        # Tasks are shorter than PIPE_BUF and all of one size: a read takes a whole one.
        task = os.read(channels.tasks.fileno(), TASK.size)
        if len(task) < TASK.size:
            return
        number, slot, visit = TASK.unpack(task)
        result = WorkerResult(number, slot)
        if number == channels.status.current:
            begun = time.monotonic()
            channels.status.start(
                channels.worker, slot, visit, 0.0 if number == opened_number else STARTUP_SECONDS
            )
            opened = True
            try:
                if number != opened_number:
                    text = channels.mailbox.read(number)
                    if text is not None:
                        opened = False
                        if opened_number == 0:  # the first: before anything is unpickled
                            for file in channels.plugins:
                                run_plugin(file)
                        channels.memory.refresh()
                        opened_number, work = number, opener.open(text)
                        opened = True
                        begun = time.monotonic()
                        channels.status.start(channels.worker, slot, visit)
                if number == opened_number and work is not None:
                    result = _with_sample(channels, result, work, visit)
            except BaseException as error:  # the consumer decides
                is_described = opened or isinstance(error, DensefitError)
                error_parts = describe_error(error) if is_described else _unpickling_error(error)
                traceback_text = traceback.format_exc()
                is_fatal = isinstance(error, LostWorkerError) or not opened
                result = WorkerResult(
                    number,
                    slot,
                    error_parts=error_parts,
                    traceback_text=traceback_text,
                    is_fatal=is_fatal,
                )
            result = replace(result, seconds=time.monotonic() - begun)
            channels.status.start(
                channels.worker, slot, visit, _NEVER
            )  # no time limit while it sends
        try:
            channels.results.send_bytes(pickle.dumps(result, 5))
        except OSError:  # the parent is gone
            return
        channels.status.finish(channels.worker)


def describe_error(error: BaseException) -> ErrorParts:
    """The parts of an error as texts, in the form of a DensefitError."""
    if not isinstance(error, DensefitError):
        return {"what": f"A worker failed: {type(error).__name__}: {error_text(error)}"}
    parts = {name: getattr(error, name) for name in _PARTS}
    return {"what": error.what, **{k: None if v is None else str(v) for k, v in parts.items()}}


def _unpickling_error(error: BaseException) -> ErrorParts:
    """The error of a dataset, transform or head that cannot be unpickled here."""
    reason = f"{type(error).__name__}: {error_text(error)}"
    return {
        "what": f"A worker process cannot open what it is to work on: {reason}",
        "fix": "classes and functions must be in a module that the process can import, not in a "
        'notebook or an interactive session; or worker_kind="threads"',
    }


def _with_sample(
    channels: WorkerChannels, result: WorkerResult, work: Callable[[int], Any], visit: int
) -> WorkerResult:
    """The result with a sample, whose arrays are written to the slot."""
    sample = work(visit)
    size = channels.memory.size // channels.slots
    start = result.slot * size
    with channels.memory.view() as whole, whole[start : start + size] as slot:
        text, buffers, slot_bytes = pack(sample, slot)
    return WorkerResult(result.number, result.slot, text, tuple(buffers), slot_bytes)


def _exit_with_parent(parent_alive: Connection) -> None:
    """Exit with the parent process, even in the middle of a sample that hangs."""
    try:
        parent_alive.recv_bytes()
    except (EOFError, OSError):
        os._exit(0)


def _single_threaded() -> None:
    """Turn off OpenCV's threads: there are enough processes."""
    import cv2

    cv2.setNumThreads(1)
