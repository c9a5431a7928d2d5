"""A disk that is full, read-only or broken: a clear error, and the checkpoint before it intact."""

import builtins
import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from densefit.checkpoint.storage import atomic, space, store
from densefit.errors import CheckpointError


def write(directory, name, number, size=6):
    parts = {"model": {"w": np.full(size, number, np.float32)}, "optimizer": {}}
    return store.write(directory, name, parts, {"update": number})


def number_in(path):
    parts, state = store.read(path)
    assert (parts["model"]["w"] == state["update"]).all()
    return state["update"]


class Stream:
    """A file that asks before each write."""

    def __init__(self, stream, touch):
        self.stream, self.touch = stream, touch

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stream.close()

    def write(self, data):
        self.touch()
        return self.stream.write(data)

    def flush(self):
        self.touch()
        self.stream.flush()

    def fileno(self):
        return self.stream.fileno()


class Faults:
    """The n-th touch of the disk fails, or all from there on.

    What frees space or closes files still works, as on a disk that is full.
    """

    def __init__(self, monkeypatch, after, code, forever):
        self.left, self.code, self.forever, self.failed = after, code, forever, False
        for module, name in ((os, "fsync"), (os, "rename"), (os, "link"), (Path, "mkdir")):
            monkeypatch.setattr(module, name, self.wrap(getattr(module, name)))
        opened = self.wrap(builtins.open)
        monkeypatch.setattr(
            atomic, "open", lambda *args: Stream(opened(*args), self.touch), raising=False
        )

    def touch(self):
        if self.left == 0 and (self.forever or not self.failed):
            self.failed = True
            raise OSError(self.code, os.strerror(self.code))
        self.left -= self.left > 0

    def wrap(self, function):
        def wrapped(*args, **kwargs):
            self.touch()
            return function(*args, **kwargs)

        return wrapped


def failing(monkeypatch, after, code, forever, action):
    """The CheckpointError of `action`, whose touch number `after` fails; None if it has fewer."""
    with monkeypatch.context() as patch:
        faults = Faults(patch, after, code, forever)
        try:
            action()
        except CheckpointError as error:
            return error
        return "passed over" if faults.failed else None


@pytest.mark.parametrize(
    ("code", "forever"),
    [
        (errno.ENOSPC, False),
        (errno.ENOSPC, True),
        (errno.EDQUOT, False),
        (errno.EROFS, True),
        (errno.EIO, False),
    ],
)
def test_a_write_that_fails_at_any_step(tmp_path, monkeypatch, code, forever):
    for step in range(100):
        directory = tmp_path / str(step)
        path = write(directory, "a", 1)
        error = failing(monkeypatch, step, code, forever, lambda d=directory: write(d, "a", 2))
        if error is None:
            break
        assert os.strerror(code) in str(error)
        assert error.where == path
        if not forever:  # else the renaming back may be refused, too
            assert number_in(path) == 1
            assert os.listdir(directory) == ["a"]
        found = number_in(path)
        assert found in (1, 2)
        assert store.resolve("auto", directory) == path
        if code in (errno.ENOSPC, errno.EDQUOT):
            assert " free" in error.expected
            assert " free" in error.received
        assert number_in(write(directory, "b", 3)) == 3
        assert number_in(path) == found
        assert sorted(os.listdir(directory)) == ["a", "b"]
    assert step > 20
    assert number_in(path) == 2


@pytest.mark.parametrize("forever", [False, True], ids=["once", "forever"])
def test_a_link_or_removal_that_fails_at_any_step(tmp_path, monkeypatch, forever):
    for step in range(100):
        directory = tmp_path / str(step)
        write(directory, "best", 1)
        path = write(directory, "a", 2)
        first = failing(
            monkeypatch, step, errno.ENOSPC, forever, lambda p=path: store.link(p, "best")
        )
        assert number_in(directory / "best") in (1, 2)
        if not forever:
            assert number_in(directory / "best") == (1 if isinstance(first, Exception) else 2)
        assert number_in(path) == 2
        second = failing(monkeypatch, step, errno.EIO, forever, lambda p=path: store.remove(p))
        if second is None:
            assert "a" not in store.names(directory)
        if first is None:
            break
    assert step > 5


def disks():
    """A tmpfs, where the tests may mount one."""
    place = tempfile.mkdtemp()
    try:
        done = (
            os.geteuid() == 0
            and not subprocess.run(
                ["mount", "-t", "tmpfs", "none", place], capture_output=True, check=False
            ).returncode
        )
        if done:
            subprocess.run(["umount", place], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        done = False
    shutil.rmtree(place, ignore_errors=True)
    return ["said", "tmpfs"] if done else ["said"]


@pytest.fixture(params=disks())
def small(request, tmp_path, monkeypatch):
    """A directory on a disk of 256 kB: a real one, or one that only says so."""
    directory = tmp_path / "small"
    directory.mkdir()
    if request.param == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(directory)]
        subprocess.run(command, check=True)
        yield directory
        subprocess.run(["umount", str(directory)], check=True)
        return
    real = os.statvfs

    class State:
        f_frsize, f_blocks, f_files, f_favail = 4096, 64, 0, 0

        def __init__(self, path):
            real(path)
            used = sum(-(-file.stat().st_size // 4096) for file in directory.rglob("*"))
            self.f_bavail = 64 - used

    monkeypatch.setattr(os, "statvfs", State)
    yield directory


def test_a_small_disk(small):
    path = write(small, "a", 1, size=30_000)  # 120 kB
    with pytest.raises(CheckpointError, match="no room") as caught:
        write(small, "b", 2, size=40_000)
    needed, free = (int(text.split()[0].replace(",", ""))
                    for text in (caught.value.expected, caught.value.received))  # fmt: skip
    assert 160_000 < needed < 200_000
    assert 90_000 < free < 140_000
    assert os.listdir(small) == ["a"]
    assert number_in(path) == 1
    assert number_in(write(small, "b", 2, size=10_000)) == 2


@pytest.mark.parametrize("small", [one for one in disks() if one == "tmpfs"] or ["said"],
                         indirect=True)  # fmt: skip
def test_a_disk_that_fills_while_it_is_written(small, monkeypatch):
    """Somebody else took the room after it was looked for."""
    write(small, "a", 1, size=30_000)
    monkeypatch.setattr(space, "check_room", lambda directory, sizes: None)
    if not os.path.ismount(small):
        error = failing(monkeypatch, 4, errno.ENOSPC, True, lambda: write(small, "b", 2))
        assert "No space left" in str(error)
    else:
        with pytest.raises(CheckpointError, match="No space left") as caught:
            write(small, "b", 2, size=40_000)
        assert "bytes free" in caught.value.expected
        assert "bytes free" in caught.value.received
    assert os.listdir(small) == ["a"]
    assert number_in(small / "a") == 1
    assert number_in(write(small, "b", 2, size=10_000)) == 2


def test_a_read_only_disk(small, monkeypatch):
    path = write(small, "a", 1)
    if os.path.ismount(small):
        subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    else:
        Faults(monkeypatch, 0, errno.EROFS, True)
    actions = (
        lambda: write(small, "b", 2),
        lambda: store.link(path, "last"),
        lambda: store.remove(path),
    )
    for action in actions:
        with pytest.raises(CheckpointError, match="Read-only file system"):
            action()
    assert number_in(path) == 1
    assert os.listdir(small) == ["a"]


def test_a_directory_that_is_a_file(tmp_path):
    file = tmp_path / "runs"
    file.write_text("precious")
    for directory in (file, file / "checkpoints"):
        with pytest.raises(CheckpointError, match=r"[Nn]ot a directory"):
            write(directory, "a", 1)
        assert store.latest(directory) is None
        with pytest.raises(CheckpointError, match="There is no checkpoint"):
            store.read(directory / "a")
    (tmp_path / "last").write_text("precious")
    with pytest.raises(CheckpointError, match="something else of that name"):
        write(tmp_path, "last", 1)
    with pytest.raises(CheckpointError, match="something else of that name"):
        store.link(write(tmp_path, "a", 1), "last")
    assert file.read_text() == (tmp_path / "last").read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["a", "last", "runs"]


def test_a_directory_that_cannot_be_looked_into(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    for look in (store.names, store.latest, lambda path: store.read(path / "a")):
        with pytest.raises(CheckpointError, match="Permission denied"):
            look(tmp_path)
