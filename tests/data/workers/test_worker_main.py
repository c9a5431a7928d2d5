import multiprocessing
import os
import pickle
import threading

import numpy as np
import pytest

from densefit.data.workers.errors import OutOfMemoryError
from densefit.data.workers.pickle_buffers import unpack
from densefit.data.workers.shared_memory import Mailbox, SharedMemory
from densefit.data.workers.worker_main import TASK, WorkerChannels, describe_error, run_worker
from densefit.data.workers.worker_status import WorkerStatus
from densefit.errors import ConfigError


def twice(visit):
    if visit == 3:
        raise ConfigError("No threes", received=3)
    return {"twice": np.full(1000, 2 * visit)}


@pytest.fixture
def channels(monkeypatch):
    """A worker's desk, whose worker is a thread of this process; and what it is asked by."""
    monkeypatch.setattr("signal.signal", lambda *_: None)  # for main threads only
    # It would end this very process; see test_processes.py.
    main = "densefit.data.workers.worker_main"
    monkeypatch.setattr(f"{main}._exit_with_parent", lambda parent_alive: None)
    (tasks, ask), (results, own), (parent_alive, live) = (
        multiprocessing.Pipe(False) for _ in range(3)
    )
    channels = WorkerChannels(
        1, tasks, own, parent_alive, SharedMemory(2 * 8192), Mailbox(), WorkerStatus(2), slots=2
    )
    thread = threading.Thread(target=run_worker, args=(channels,), daemon=True)
    thread.start()

    def served(number, slot, visit):
        os.write(ask.fileno(), TASK.pack(number, slot, visit))
        return pickle.loads(results.recv_bytes())

    yield channels, served
    ask.close()
    thread.join(10)
    assert not thread.is_alive()
    live.close()


def test_a_worker_answers_each_task_but_works_on_those_that_are_wanted_only(channels):
    channels, served = channels
    channels.mailbox.write(4, pickle.dumps(twice))
    stale = served(4, 1, 9)
    assert (stale.slot, stale.text, stale.error_parts) == (1, None, None)
    channels.status.current = 4
    result = served(4, 1, 9)
    with channels.memory.view() as view:
        made = unpack(result.text, list(result.buffers), view[8192:])
    assert (made["twice"] == 18).all()
    assert len(result.text) < 1000
    failed = served(4, 0, 3)
    assert (failed.error_parts["what"], failed.error_parts["received"]) == ("No threes", "3")
    assert "in twice" in failed.traceback_text
    channels.status.current = 5  # whose letter is not there: it was overtaken
    overtaken = served(5, 0, 1)
    assert (overtaken.text, overtaken.error_parts) == (None, None)


def test_a_letter_that_cannot_be_read_is_told(channels):
    channels, served = channels
    channels.mailbox.write(1, b"no pickle")
    channels.status.current = 1
    result = served(1, 0, 0)
    assert "UnpicklingError" in result.error_parts["what"]
    assert "module" in result.error_parts["fix"]
    assert result.is_fatal
    channels.mailbox.write(2, pickle.dumps(twice))
    channels.status.current = 2
    failed = served(2, 0, 3)
    assert failed.error_parts["what"] == "No threes"
    assert not failed.is_fatal


class UnspeakableError(Exception):
    """Has no text, and cannot be pickled."""

    def __str__(self):
        raise RuntimeError("no words")

    def __reduce__(self):
        raise TypeError("not to be sent")


def failing(visit):
    raise OutOfMemoryError("No memory is left") if visit == 0 else UnspeakableError()


def test_no_memory_is_every_samples_error_and_one_without_a_text_ends_no_worker(channels):
    channels, served = channels
    channels.mailbox.write(1, pickle.dumps(failing))
    channels.status.current = 1
    result = served(1, 0, 0)
    assert result.is_fatal
    assert result.error_parts["what"] == "No memory is left"
    result = served(1, 0, 1)
    assert not result.is_fatal
    assert "UnspeakableError" in result.error_parts["what"]


def test_any_error_has_a_first_line():
    assert describe_error(KeyError("a")) == {"what": "A worker failed: KeyError: 'a'"}
