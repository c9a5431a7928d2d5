"""What a worker process does, from its start to its end."""

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

from densefit.data.workers.errors import LostWorkerError, text_of
from densefit.data.workers.pickle_buffers import pack
from densefit.data.workers.shared_memory import Letter, Memory
from densefit.data.workers.worker_status import Board
from densefit.errors import DensefitError

TASK = struct.Struct("<IIq")  # number of the work, slot, visit
START = 300.0  # seconds that a process may take to import, and to unpickle an epoch's work
_EVER = 1e9  # seconds
_FACTS = ("expected", "received", "where", "fix")

Facts = dict[str, str | None]


@dataclass(frozen=True)
class Answer:
    """What became of a task.

    Attributes:
        number: of the work that it belongs to.
        slot: of the task.
        text: of the result (see `packed`); None if there is none.
        places: of its arrays in the slot.
        wanted: bytes that a slot should have.
        facts: parts of the error that came instead, as texts.
        trace: where that happened.
        lost: whether the others would fail too: the worker cannot work at all, or no memory is
            left.
        seconds: that the sample took.
    """

    number: int
    slot: int
    text: bytes | None = None
    places: tuple[int, ...] = ()
    wanted: int = 0
    facts: Facts | None = None
    trace: str = ""
    lost: bool = False
    seconds: float = 0.0


@dataclass
class Desk:
    """What a process is given at its start.

    Attributes:
        worker: its number.
        tasks: `TASK`s of all workers; each takes the next one. The end of this pipe is the end of
            the work.
        answers: a pipe of its own.
        life: says nothing, and ends when the parent process ends, however that happens.
        memory: the slots.
        letter: the work.
        board: what it is busy with.
        slots: their number.
    """

    worker: int
    tasks: Connection
    answers: Connection
    life: Connection
    memory: Memory
    letter: Letter
    board: Board
    slots: int


def serve(desk: Desk) -> None:
    """Make samples until there is nobody left who wants them."""
    # Ctrl-C and SIGTERM reach all processes of a terminal or a job at once. The parent decides
    # what they mean; it may want the rest of an epoch.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(desk.life,), daemon=True).start()
    _single_threaded()
    known, work = 0, None
    while True:
        # Tasks are shorter than PIPE_BUF and all of one size: a read takes a whole one.
        task = os.read(desk.tasks.fileno(), TASK.size)
        if len(task) < TASK.size:
            return
        number, slot, visit = TASK.unpack(task)
        answer = Answer(number, slot)
        if number == desk.board.wanted:
            begun = time.monotonic()
            desk.board.claim(desk.worker, slot, visit, 0.0 if number == known else START)
            opened = True
            try:
                if number != known:
                    text = desk.letter.read(number)
                    if text is not None:
                        opened = False
                        desk.memory.seen()
                        known, work = number, pickle.loads(text)
                        opened = True
                        begun = time.monotonic()
                        desk.board.claim(desk.worker, slot, visit)
                if number == known and work is not None:
                    answer = _made(desk, answer, work, visit)
            except BaseException as error:  # the consumer decides
                facts = facts_of(error) if opened else _unread(error)
                trace = traceback.format_exc()
                lost = isinstance(error, LostWorkerError) or not opened
                answer = Answer(number, slot, facts=facts, trace=trace, lost=lost)
            answer = replace(answer, seconds=time.monotonic() - begun)
            desk.board.claim(desk.worker, slot, visit, _EVER)  # it may wait for who listens
        try:
            desk.answers.send_bytes(pickle.dumps(answer, 5))
        except OSError:  # nobody listens
            return
        desk.board.rest(desk.worker)


def facts_of(error: BaseException) -> Facts:
    """The parts of an error of ours, or those that another one would have, as texts."""
    if not isinstance(error, DensefitError):
        return {"what": f"A worker failed: {type(error).__name__}: {text_of(error)}"}
    parts = {name: getattr(error, name) for name in _FACTS}
    return {"what": error.what, **{k: None if v is None else str(v) for k, v in parts.items()}}


def _unread(error: BaseException) -> Facts:
    """What is told where the dataset, the transform or a head cannot be made from its bytes."""
    reason = f"{type(error).__name__}: {text_of(error)}"
    return {
        "what": f"A worker process cannot open what it is to work on: {reason}",
        "fix": "classes and functions must be in a module that the process can import, not in a "
        'notebook or an interactive session; or worker_kind="threads"',
    }


def _made(desk: Desk, answer: Answer, work: Callable[[int], Any], visit: int) -> Answer:
    """The answer with a sample; the sample's arrays are in the slot."""
    made = work(visit)
    size = desk.memory.size // desk.slots
    start = answer.slot * size
    with desk.memory.view() as whole, whole[start : start + size] as slot:
        text, places, wanted = pack(made, slot)
    return Answer(answer.number, answer.slot, text, tuple(places), wanted)


def _end_with(life: Connection) -> None:
    """End this process with its parent, also in the middle of a sample that hangs."""
    try:
        life.recv_bytes()
    except (EOFError, OSError):
        os._exit(0)


def _single_threaded() -> None:
    """As many processes as there is work for: none of them needs threads of its own."""
    import cv2

    cv2.setNumThreads(1)
