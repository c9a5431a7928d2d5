import errno
import os
from types import SimpleNamespace

import pytest

from densefit.checkpoint.storage import space
from densefit.errors import CheckpointError


@pytest.fixture
def disk(monkeypatch):
    """Says what it is told to say."""
    state = SimpleNamespace(f_bavail=10, f_frsize=4096, f_blocks=100, f_files=100, f_favail=50)
    asked = []

    def statvfs(path):
        asked.append(path)
        return state

    monkeypatch.setattr(os, "statvfs", statvfs)
    state.asked = asked
    return state


def test_room_is_counted_in_blocks(disk, tmp_path):
    space.check_room(tmp_path, [1] * 9)  # and one for the directory
    with pytest.raises(CheckpointError, match="no room") as caught:
        space.check_room(tmp_path, [1] * 10)
    assert caught.value.expected == "45,056 bytes free"
    assert caught.value.received == "40,960 bytes free"
    assert caught.value.where == tmp_path


def test_the_disk_of_a_directory_that_is_not_there_yet(disk, tmp_path, monkeypatch):
    space.check_room(tmp_path / "run" / "checkpoints", [1])
    assert disk.asked == [tmp_path]
    monkeypatch.chdir(tmp_path)
    assert space.free(space.Path("run")) == 10 * 4096


def test_a_disk_without_inodes(disk, tmp_path):
    disk.f_favail = 2
    with pytest.raises(CheckpointError, match="2 free inodes"):
        space.check_room(tmp_path, [1, 1])
    disk.f_files = 0  # a file system that has none
    space.check_room(tmp_path, [1, 1])


def test_a_disk_that_does_not_say_is_not_asked_again(disk, tmp_path):
    disk.f_blocks = disk.f_bavail = 0
    space.check_room(tmp_path, [10**9])


@pytest.mark.parametrize(
    ("code", "expected", "received"),
    [
        (errno.ENOSPC, "12,288 bytes free", "40,960 bytes free"),
        (errno.EDQUOT, "12,288 bytes free", "40,960 bytes free (the quota may be less)"),
        (errno.EROFS, None, None),
    ],
)
def test_what_is_said_when_the_disk_refuses(disk, tmp_path, code, expected, received):
    error = space.refused(tmp_path / "a", OSError(code, os.strerror(code)), [5000])
    assert os.strerror(code) in str(error)
    assert error.expected == expected
    assert error.received == received
    assert error.where == tmp_path / "a"
