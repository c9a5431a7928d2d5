import itertools
import os
import signal
import threading
import time

import pytest

from densefit.checkpoint.storage import atomic, lock


def fill(parent, name, text, files=3):
    with atomic.replacing(parent, name) as place:
        for index in range(files):
            atomic.write_file(place / f"{index}", [text.encode()])


def text_in(place):
    texts = {path.read_text() for path in place.iterdir()}
    assert len(list(place.iterdir())) == 3
    (text,) = texts
    return text


def left_over(parent):
    return [path for path in parent.iterdir() if path.name.startswith(".tmp-")]


def kill_while(work, seconds):
    """Let a process do `work(step)` again and again, and kill it."""
    child = os.fork()
    if child == 0:
        try:
            for step in itertools.count():
                work(step)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_killed_at_any_moment(tmp_path):
    """Real processes: what they leave is whole, and the next write clears the rest away."""
    fill(tmp_path, "a", "first")
    rests = 0
    for number in range(10):
        kill_while(lambda step: fill(tmp_path, "a", f"{step}"), 0.01 + 0.004 * number)
        assert list(atomic.entries(tmp_path)) == ["a"]
        text_in(atomic.entries(tmp_path)["a"])
        rests += len(left_over(tmp_path))
        fill(tmp_path, "a", "next")
        assert os.listdir(tmp_path) == ["a"]
        assert text_in(tmp_path / "a") == "next"
    assert rests > 0


def test_a_living_process_keeps_what_it_writes(tmp_path):
    begun, go_on = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with atomic.replacing(tmp_path, "a") as place:
                atomic.write_file(place / "0", [b"x"])
                os.write(begun[1], b"!")
                os.read(go_on[0], 1)
                for index in (1, 2):
                    atomic.write_file(place / f"{index}", [b"x"])
            os._exit(0)
        finally:
            os._exit(1)
    os.read(begun[0], 1)
    try:
        assert len(left_over(tmp_path)) == 1
        fill(tmp_path, "b", "y")
        atomic.remove(tmp_path / "b")
        assert len(left_over(tmp_path)) == 1
    finally:
        os.write(go_on[1], b"!")
        status = os.waitpid(child, 0)[1]
    assert status == 0
    assert text_in(tmp_path / "a") == "x"
    assert os.listdir(tmp_path) == ["a"]


def test_threads_write_into_one_directory(tmp_path):
    errors = []

    def work(name):
        try:
            for step in range(8):
                fill(tmp_path, name, f"{name}{step}")
                fill(tmp_path, "common", name)
                if step % 2:
                    atomic.remove(tmp_path / name)
            fill(tmp_path, name, "done")
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c", "common"]
    assert text_in(tmp_path / "common") in "abc"


def test_only_what_was_written_here_is_cleared_away(tmp_path):
    for name in (".tmp-notes", ".tmp-a-b", ".cache"):
        (tmp_path / name).mkdir()
    for name in (".tmp-a-99999", ".tmp-a-b-99999-0123abcd"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    os.symlink(outside, tmp_path / ".tmp-a-1-0123abcd")
    assert sorted(atomic.entries(tmp_path)) == ["outside"]
    fill(tmp_path, "a", "x")
    assert sorted(os.listdir(tmp_path)) == [".cache", ".tmp-a-b", ".tmp-notes", "a", "outside"]
    assert (outside / "precious").exists()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_directory_is_not_replaced(tmp_path, kind):
    target = tmp_path / "x"
    if kind == "file":
        target.write_text("precious")
    else:
        os.symlink(tmp_path, target)
    with pytest.raises(NotADirectoryError):
        fill(tmp_path, "x", "new")
    assert os.listdir(tmp_path) == ["x"]
    assert target.is_symlink() or target.read_text() == "precious"


def test_below_a_file(tmp_path):
    (tmp_path / "file").write_text("precious")
    for parent in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NotADirectoryError):
            fill(parent, "x", "new")
    assert (tmp_path / "file").read_text() == "precious"


def test_everything_is_flushed_before_it_gets_its_name(tmp_path, monkeypatch):
    """Also the directories that were made, up to the one that was there."""
    log = []
    fsync, rename = os.fsync, os.rename

    def flush(descriptor):
        log.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def move(source, target):
        log.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "rename", move)
    parent = tmp_path / "run" / "checkpoints"
    fill(parent, "a", "x", files=2)

    def inodes(*paths):
        return [path.stat().st_ino for path in paths]

    assert log[-5:] == [
        *inodes(parent / "a" / "0", parent / "a" / "1", parent / "a"),
        "rename",
        *inodes(parent),
    ]
    assert sorted(log[:-5]) == sorted(inodes(tmp_path, tmp_path / "run"))


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "sub" / "x.bin"
    atomic.replace_file(path, [b"ab", memoryview(b"c")])
    assert path.read_bytes() == b"abc"

    def broken():
        yield b"half"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        atomic.replace_file(path, broken())
    assert path.read_bytes() == b"abc"
    (path.parent / ".tmp-x.bin-99999-0123abcd").write_text("left over")
    (path.parent / ".tmp-y.bin-99999-0123abcd").write_text("of somebody else")
    (path.parent / ".old-x.bin").mkdir()
    atomic.replace_file(path, [b"d"])
    assert path.read_bytes() == b"d"
    assert sorted(os.listdir(path.parent)) == [
        ".old-x.bin", ".tmp-y.bin-99999-0123abcd", "x.bin",
    ]  # fmt: skip


def test_files_get_the_usual_permissions(tmp_path):
    before = os.umask(0o022)
    try:
        fill(tmp_path, "a", "x")
        atomic.replace_file(tmp_path / "f", [b"x"])
    finally:
        os.umask(before)
    modes = [oct((tmp_path / path).stat().st_mode & 0o777) for path in ("a", "a/0", "f")]
    assert modes == ["0o755", "0o644", "0o644"]


def test_a_removal_that_was_interrupted_is_finished(tmp_path):
    fill(tmp_path, "a", "x")
    held = lock.take(os.open(tmp_path / "a" / "0", os.O_RDONLY))  # a file of it is open elsewhere
    os.rename(tmp_path / "a", tmp_path / ".tmp-a-1-0123abcd")
    atomic.remove(tmp_path / "a")
    assert os.listdir(tmp_path) == []
    lock.release(held)
    atomic.remove(tmp_path / "nowhere" / "a")
