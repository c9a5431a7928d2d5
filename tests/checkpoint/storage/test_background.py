import errno
import os
import threading
import time

import numpy as np
import pytest

from densefit.checkpoint.storage import atomic, store
from densefit.checkpoint.storage.background import BackgroundWriter
from densefit.errors import CheckpointError, ConfigError


def parts(number):
    return {"model": {"w": np.full(4, number, np.float32)}}


def number_in(path):
    found, state = store.read(path)
    assert (found["model"]["w"] == state["update"]).all()
    return state["update"]


@pytest.fixture
def slow(monkeypatch):
    """Holds every file back until it is let go; says when the first is waiting."""

    class Slow:
        go_on, waiting = threading.Event(), threading.Event()

    write_file = atomic.write_file

    def held(path, pieces):
        Slow.waiting.set()
        Slow.go_on.wait(10)
        write_file(path, pieces)

    monkeypatch.setattr(atomic, "write_file", held)
    return Slow


@pytest.fixture
def full(monkeypatch):
    """A disk that is full while it is switched on."""

    class Full:
        on = True

    write_file = atomic.write_file

    def refuse(path, pieces):
        if Full.on:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_file(path, pieces)

    monkeypatch.setattr(atomic, "write_file", refuse)
    return Full


def test_the_caller_goes_on_while_it_is_written(tmp_path, slow):
    state = {"update": 1}
    with BackgroundWriter() as writer:
        assert not writer.busy
        path = writer.submit(tmp_path, "a", parts(1), state)
        state["update"] = 2  # what was submitted stays
        assert slow.waiting.wait(10)
        assert path == tmp_path / "a"
        assert writer.busy
        assert store.names(tmp_path) == {}
        slow.go_on.set()
        writer.wait()
        assert not writer.busy
        assert number_in(path) == 1


def test_one_at_a_time_and_in_order(tmp_path, slow):
    done, running = [], []

    def then(number):
        assert not running
        running.append(number)
        time.sleep(0.002)
        done.append(number)
        running.pop()

    writer = BackgroundWriter()
    threading.Timer(0.05, slow.go_on.set).start()
    for number in range(5):
        writer.submit(
            tmp_path, f"a{number}", parts(number), {"update": number}, lambda n=number: then(n)
        )
    writer.close()
    assert done == [0, 1, 2, 3, 4]
    assert [number_in(tmp_path / f"a{number}") for number in done] == done
    assert store.latest(tmp_path) == tmp_path / "a4"


@pytest.mark.parametrize("ask", ["submit", "wait", "close"])
def test_an_error_comes_out_at_the_next_call_and_once(tmp_path, full, caplog, ask):
    called = []
    writer = BackgroundWriter()
    writer.submit(tmp_path, "a", parts(1), {"update": 1}, lambda: called.append(1))
    arguments = (tmp_path, "b", parts(2), {"update": 2}) if ask == "submit" else ()
    with pytest.raises(CheckpointError, match="No space left") as caught:
        getattr(writer, ask)(*arguments)
    assert caught.value.where == tmp_path / "a"
    assert "No space left" in caplog.text  # said when it happened
    assert called == []
    assert os.listdir(tmp_path) == []
    full.on = False
    if ask != "close":
        writer.submit(tmp_path, "b", parts(2), {"update": 2})
    writer.close()
    assert os.listdir(tmp_path) == ([] if ask == "close" else ["b"])


def test_an_error_of_what_comes_after(tmp_path):
    def then():
        raise ConfigError("no such score")

    writer = BackgroundWriter()
    path = writer.submit(tmp_path, "a", parts(1), {"update": 1}, then)
    with pytest.raises(ConfigError, match="no such score"):
        writer.wait()
    assert number_in(path) == 1


def test_what_cannot_be_stored_is_said_at_once(tmp_path):
    with BackgroundWriter() as writer:
        with pytest.raises(CheckpointError, match="cannot hold this"):
            writer.submit(tmp_path, "a", parts(1), object())
        with pytest.raises(CheckpointError, match="name"):
            writer.submit(tmp_path, "../a", parts(1), {})
    assert os.listdir(tmp_path) == []


def test_a_closed_writer(tmp_path):
    writer = BackgroundWriter()
    writer.submit(tmp_path, "a", parts(1), {"update": 1})
    writer.close()
    writer.close()
    assert number_in(tmp_path / "a") == 1
    with pytest.raises(ConfigError, match="closed"):
        writer.submit(tmp_path, "b", parts(1), {})


def test_leaving_by_an_exception_waits_and_keeps_it(tmp_path, full):
    writer = BackgroundWriter()

    def training():
        with writer:
            writer.submit(tmp_path, "a", parts(1), {"update": 1})
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        training()
    assert not writer.busy
    full.on = False
    with pytest.raises(CheckpointError, match="No space"):  # still to be had
        writer.wait()


def test_beside_others_who_link_and_remove(tmp_path):
    """The caller's thread may look after older checkpoints meanwhile."""
    with BackgroundWriter() as writer:
        first = store.write(tmp_path, "first", parts(0), {"update": 0})
        for number in range(8):
            path = writer.submit(tmp_path, f"a{number % 2}", parts(number), {"update": number})
            store.link(first, f"copy{number}")
            store.remove(tmp_path / f"copy{number - 1}")
            assert number_in(first) == 0
        writer.wait()
        assert number_in(path) == 7
    assert sorted(os.listdir(tmp_path)) == ["a0", "a1", "copy7", "first"]


def test_killed_while_it_writes(tmp_path):
    """A process that dies in the middle leaves the checkpoint before it."""
    store.write(tmp_path, "a", parts(1), {"update": 1})
    child = os.fork()
    if child == 0:
        try:
            atomic.write_file = lambda path, pieces: time.sleep(60)
            BackgroundWriter().submit(tmp_path, "b", parts(2), {"update": 2})
            time.sleep(0.05)
        finally:
            os._exit(1)
    os.waitpid(child, 0)
    assert len(os.listdir(tmp_path)) == 2
    assert store.latest(tmp_path) == tmp_path / "a"
    store.write(tmp_path, "c", parts(3), {"update": 3})
    assert sorted(os.listdir(tmp_path)) == ["a", "c"]
