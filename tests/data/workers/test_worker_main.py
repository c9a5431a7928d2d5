import multiprocessing
import os
import pickle
import threading

import numpy as np
import pytest

from densefit.data.workers.errors import NoMemoryError
from densefit.data.workers.pickle_buffers import unpack
from densefit.data.workers.shared_memory import Letter, Memory
from densefit.data.workers.worker_main import TASK, Desk, facts_of, serve
from densefit.data.workers.worker_status import Board
from densefit.errors import ConfigError


def twice(visit):
    if visit == 3:
        raise ConfigError("No threes", received=3)
    return {"twice": np.full(1000, 2 * visit)}


@pytest.fixture
def desk(monkeypatch):
    """A worker's desk, whose worker is a thread of this process; and what it is asked by."""
    monkeypatch.setattr("signal.signal", lambda *_: None)  # for main threads only
    # It would end this very process; see test_processes.py.
    monkeypatch.setattr("densefit.data.workers.worker_main._end_with", lambda life: None)
    (tasks, ask), (answers, own), (life, live) = (multiprocessing.Pipe(False) for _ in range(3))
    desk = Desk(1, tasks, own, life, Memory(2 * 8192), Letter(), Board(2), slots=2)
    thread = threading.Thread(target=serve, args=(desk,), daemon=True)
    thread.start()

    def served(number, slot, visit):
        os.write(ask.fileno(), TASK.pack(number, slot, visit))
        return pickle.loads(answers.recv_bytes())

    yield desk, served
    ask.close()
    thread.join(10)
    assert not thread.is_alive()
    live.close()


def test_a_worker_answers_each_task_but_works_on_those_that_are_wanted_only(desk):
    desk, served = desk
    desk.letter.write(4, pickle.dumps(twice))
    stale = served(4, 1, 9)
    assert (stale.slot, stale.text, stale.facts) == (1, None, None)
    desk.board.wanted = 4
    answer = served(4, 1, 9)
    with desk.memory.view() as view:
        made = unpack(answer.text, list(answer.places), view[8192:])
    assert (made["twice"] == 18).all()
    assert len(answer.text) < 1000
    failed = served(4, 0, 3)
    assert (failed.facts["what"], failed.facts["received"]) == ("No threes", "3")
    assert "in twice" in failed.trace
    desk.board.wanted = 5  # whose letter is not there: it was overtaken
    overtaken = served(5, 0, 1)
    assert (overtaken.text, overtaken.facts) == (None, None)


def test_a_letter_that_cannot_be_read_is_told(desk):
    desk, served = desk
    desk.letter.write(1, b"no pickle")
    desk.board.wanted = 1
    answer = served(1, 0, 0)
    assert "UnpicklingError" in answer.facts["what"]
    assert "module" in answer.facts["fix"]
    assert answer.lost
    desk.letter.write(2, pickle.dumps(twice))
    desk.board.wanted = 2
    failed = served(2, 0, 3)
    assert failed.facts["what"] == "No threes"
    assert not failed.lost


class UnspeakableError(Exception):
    """Has no text, and cannot be pickled."""

    def __str__(self):
        raise RuntimeError("no words")

    def __reduce__(self):
        raise TypeError("not to be sent")


def failing(visit):
    raise NoMemoryError("No memory is left") if visit == 0 else UnspeakableError()


def test_no_memory_is_every_samples_error_and_one_without_a_text_ends_no_worker(desk):
    desk, served = desk
    desk.letter.write(1, pickle.dumps(failing))
    desk.board.wanted = 1
    answer = served(1, 0, 0)
    assert answer.lost
    assert answer.facts["what"] == "No memory is left"
    answer = served(1, 0, 1)
    assert not answer.lost
    assert "UnspeakableError" in answer.facts["what"]


def test_any_error_has_a_first_line():
    assert facts_of(KeyError("a")) == {"what": "A worker failed: KeyError: 'a'"}
