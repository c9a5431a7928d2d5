import errno
import fcntl
import os
import threading
import time

import pytest

from densefit.checkpoint.storage import lock


def test_a_lock_is_seen_by_others_of_this_process_too(tmp_path):
    held = lock.take(os.open(tmp_path, os.O_RDONLY))
    assert lock.is_held(tmp_path)
    assert lock.is_held(tmp_path)  # looking does not take it away
    lock.release(held)
    assert not lock.is_held(tmp_path)


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_lock_ends_with_its_process(tmp_path, kind):
    path = tmp_path / "x"
    path.mkdir() if kind == "directory" else path.touch()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            lock.take(os.open(path, os.O_RDONLY))
            os.write(writer, b"!")
            time.sleep(60)
        finally:
            os._exit(1)
    os.read(reader, 1)
    held = lock.is_held(path)
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert held
    assert not lock.is_held(path)
    os.close(reader)
    os.close(writer)


def test_a_child_that_inherited_a_lock_does_not_keep_it(tmp_path):
    held = lock.take(os.open(tmp_path, os.O_RDONLY))
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    try:
        lock.release(held)
        assert not lock.is_held(tmp_path)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_links_and_what_is_gone(tmp_path):
    os.symlink("/dev/zero", tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    assert not lock.is_held(tmp_path / "link")
    assert not lock.is_held(tmp_path / "pipe")  # and does not wait for a writer
    assert lock.is_held(tmp_path / "gone")


def test_a_file_system_without_locks_goes_by_age(tmp_path, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.EBADF, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    lock.release(lock.take(os.open(tmp_path, os.O_RDONLY)))
    assert lock.is_held(tmp_path)
    os.utime(tmp_path, (0, time.time() - 2 * 86400))
    assert not lock.is_held(tmp_path)
    with lock.exclusive(tmp_path):
        pass


def test_one_at_a_time(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(5):
            with lock.exclusive(tmp_path):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.002)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 20
    assert max(most) == 1


def test_nobody_waits_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE", 0.05)
    held = lock.take(os.open(tmp_path, os.O_RDONLY))
    with lock.exclusive(tmp_path):
        pass
    assert lock.is_held(tmp_path)
    lock.release(held)
