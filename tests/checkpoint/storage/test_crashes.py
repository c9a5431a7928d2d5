"""A process that dies at any step, simulated; see test_atomic.py for real ones."""

import os
import shutil

import numpy as np
import pytest

from densefit.checkpoint.storage import store


def write(directory, name, number):
    parts = {"model": {"w": np.full((2, 3), number, np.float32)}, "optimizer": {}}
    return store.write(directory, name, parts, {"update": number})


def number_in(path):
    parts, state = store.read(path)
    assert (parts["model"]["w"] == state["update"]).all()
    return state["update"]


class Dead(BaseException):
    """The process ends here."""


class Killer:
    """Ends the process at its n-th touch of the disk; afterwards nothing more happens."""

    def __init__(self, monkeypatch, after):
        self.left, self.dead = after, False
        touches = [(os, "rename"), (os, "fsync"), (os, "link"), (shutil, "rmtree")]
        for module, name in touches:
            monkeypatch.setattr(module, name, self.wrap(name, getattr(module, name)))

    def wrap(self, name, function):
        def wrapped(*args, **kwargs):
            if self.dead:
                return None
            if self.left == 0:
                self.dead = True
                if name == "rmtree":  # half of it is gone already
                    files = sorted(os.listdir(args[0])) if os.path.isdir(args[0]) else []
                    for file in files[: len(files) // 2]:
                        os.remove(os.path.join(args[0], file))
                raise Dead
            self.left -= 1
            return function(*args, **kwargs)

        return wrapped


def crash(monkeypatch, after, action):
    """Whether `action` died at its touch number `after` (from 0)."""
    with monkeypatch.context() as patch:
        killer = Killer(patch, after)
        try:
            action()
        except Dead:
            pass
        return killer.dead


def test_a_crash_at_any_step_leaves_one_of_the_two(tmp_path, monkeypatch):
    seen = set()
    for step in range(100):
        directory = tmp_path / str(step)
        path = write(directory, "a", 1)
        died = crash(monkeypatch, step, lambda d=directory: write(d, "a", 2))
        found = number_in(path)
        assert store.latest(directory) == path
        assert store.resolve("auto", directory) == path
        assert store.resolve(path, directory) == path
        seen.add(found)
        # The next write puts everything in order.
        write(directory, "b", 3)
        assert sorted(os.listdir(directory)) == ["a", "b"]
        assert number_in(path) == found
        if not died:
            break
    else:
        pytest.fail("writing never ended")
    assert step > 8  # files, directories, two renames, removal
    assert seen == {1, 2}


def test_a_crash_at_any_step_of_the_first_write(tmp_path, monkeypatch):
    for step in range(100):
        directory = tmp_path / str(step)
        died = crash(monkeypatch, step, lambda d=directory: write(d, "a", 1))
        path = store.latest(directory)
        assert path is None or number_in(path) == 1
        write(directory, "a", 2)
        assert number_in(directory / "a") == 2
        assert os.listdir(directory) == ["a"]
        if not died:
            break


def test_a_crash_at_any_step_of_linking_and_removing(tmp_path, monkeypatch):
    for step in range(100):
        directory = tmp_path / str(step)
        write(directory, "best", 1)
        path = write(directory, "a", 2)
        died = crash(monkeypatch, step, lambda p=path: store.link(p, "best"))
        assert number_in(directory / "best") in (1, 2)
        died |= crash(monkeypatch, step, lambda p=path: store.remove(p))
        assert number_in(directory / "best") in (1, 2)
        assert "a" not in store.names(directory) or number_in(path) == 2
        if not died:
            break
    assert number_in(directory / "best") == 2
    assert os.listdir(directory) == ["best"]


def test_a_checkpoint_whose_renaming_was_cut_off_can_be_linked(tmp_path):
    """It lies under another name, until the next write puts it back: which linking is."""
    path = write(tmp_path, "a", 1)
    os.rename(path, tmp_path / ".old-a")
    assert store.resolve("auto", tmp_path) == path
    store.link(path, "last")
    assert number_in(tmp_path / "last") == number_in(path) == 1
    assert sorted(os.listdir(tmp_path)) == ["a", "last"]
