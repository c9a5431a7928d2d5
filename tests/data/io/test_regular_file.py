import os
import socket

import pytest

from densefit.data.io.image_header import kind_of
from densefit.data.io.regular_file import open_regular, read_regular
from densefit.errors import DataError


def test_files_and_links_to_them_are_read(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert read_regular(tmp_path / "a", 7) == read_regular(str(tmp_path / "b"), 7) == b"content"
    descriptor, size = open_regular(tmp_path / "b")
    assert (os.read(descriptor, 99), size) == (b"content", 7)
    os.close(descriptor)


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device", "missing", "zero byte"])
def test_everything_else_is_named_and_left_closed(tmp_path, monkeypatch, kind):
    path = str(tmp_path / "a")
    if kind == "folder":
        os.mkdir(path)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        server = socket.socket(socket.AF_UNIX)
        monkeypatch.chdir(tmp_path)  # a socket's path may have no more than 107 letters
        server.bind("a")
        server.close()
    elif kind == "device":
        path = "/dev/zero"
    elif kind == "zero byte":
        path = f"{path}\0b"
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(DataError, match=r"cannot be read") as error:
        read_regular(path, 100)
    assert error.value.where == path
    assert len(os.listdir("/dev/fd")) == before


def test_a_larger_file_is_not_read(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    with pytest.raises(
        DataError, match=r"too large[\s\S]*at most 6[\s\S]*7 bytes[\s\S]*buy a disk"
    ):
        read_regular(tmp_path / "a", 6, "buy a disk")


def test_a_pointer_of_git_lfs_is_named(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:bf10\nsize 893783\n")
    with pytest.raises(DataError, match=r"pointer of Git LFS[\s\S]*a\.png[\s\S]*git lfs pull"):
        read_regular(path, 1000)
    with pytest.raises(DataError, match=r"pointer of Git LFS[\s\S]*a\.png"):
        kind_of(path.read_bytes(), path)
