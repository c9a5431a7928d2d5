import contextlib
import errno
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from densefit.datasets.shards import retries, shard_cache
from densefit.datasets.shards.cached_file import RemoteFile
from densefit.datasets.shards.shard_cache import PART, ShardCache
from densefit.errors import ConfigError, DataError
from densefit.process import system_calls
from densefit.process.system_calls import lock_file
from tests import forked

ROOT = Path(__file__).resolve().parents[3]


def remote(name, content, broken=()):
    """A file whose downloads fail as `broken` says, one after another."""
    failures = list(broken)
    calls = []

    def blocks():
        calls.append(name)
        if failures:
            failure = failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            yield content[:failure]
            return
        yield content[:3]
        yield content[3:]

    def check(pieces):
        size = 0
        for piece in pieces:
            size += len(piece)
            yield piece
        if size != len(content):
            raise DataError("not whole", where=name)

    file = RemoteFile(name, f"s3://b/{name}", len(content), check, blocks)
    return file, calls


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(retries, "PAUSES", (0.0, 0.0))


def used(folder):
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # other processes rename and delete files
            total += path.stat().st_size if path.is_file() and path.name != "lock" else 0
    return total


def test_a_file_is_downloaded_once(tmp_path):
    cache = ShardCache(tmp_path, 100)
    file, calls = remote("a/x.rec", b"0123456789")
    for _ in range(2):
        copy = cache.open(file)
        assert copy.path.read_bytes() == b"0123456789"
        copy.release()
    assert ShardCache(tmp_path, 100).open(file).path == tmp_path / "a/x.rec"
    assert calls == ["a/x.rec"]


def test_the_least_recently_used_copy_makes_room(tmp_path):
    cache = ShardCache(tmp_path, 25)
    files = {name: remote(name, bytes(10))[0] for name in "abc"}
    for number, name in enumerate("aba"):
        cache.open(files[name]).release()
        os.utime(tmp_path / name, (number, number))
    cache.open(files["c"]).release()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "c", "lock"]


def test_a_copy_in_use_is_removed_last(tmp_path, caplog):
    cache = ShardCache(tmp_path, 25)
    files = {name: remote(name, bytes(10))[0] for name in "abcde"}
    first, second = cache.open(files["a"]), cache.open(files["b"])
    second.release()
    os.utime(first.path, (1, 1))
    third = cache.open(files["c"])
    assert first.path.exists()
    assert not second.path.exists()
    assert "too small" not in caplog.text
    descriptor = os.open(first.path, os.O_RDONLY)
    cache.open(files["d"])  # all are in use
    assert not first.path.exists()
    assert third.path.exists()
    assert os.read(descriptor, 20) == bytes(10)  # its reader goes on
    os.close(descriptor)
    assert used(tmp_path) == 20
    assert "cache_size" in caplog.text
    (tmp_path / f"x{PART}").write_bytes(bytes(20))
    downloading = os.open(tmp_path / f"x{PART}", os.O_RDWR)
    lock_file(downloading)
    with pytest.raises(DataError, match="unfinished downloads"):
        cache.open(files["e"])
    os.close(downloading)


def test_a_file_larger_than_the_budget(tmp_path):
    with pytest.raises(ConfigError, match="larger than the cache"):
        ShardCache(tmp_path, 9).open(remote("a", bytes(10))[0])


@pytest.mark.parametrize("broken", [[4, 4], [ConnectionError("reset"), 0], [TimeoutError()]])
def test_a_download_that_breaks_is_tried_again(tmp_path, broken, caplog):
    file, calls = remote("a", b"0123456789", broken)
    assert ShardCache(tmp_path, 100).open(file).path.read_bytes() == b"0123456789"
    assert len(calls) == len(broken) + 1
    assert caplog.text.count("s3://b/a could not be read") == len(broken)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ([4, 4, 4], "not whole"),
        ([ConnectionError("reset")] * 3, r"ConnectionError: reset[\s\S]*s3://b/a"),
        ([FileNotFoundError()], r"not there any more[\s\S]*s3://b/a"),
    ],
)
def test_what_cannot_be_downloaded_is_told_and_leaves_nothing(tmp_path, broken, told, monkeypatch):
    cache = ShardCache(tmp_path, 100)
    file, calls = remote("a", b"0123456789", broken)
    with pytest.raises(DataError, match=told):
        cache.open(file)
    assert used(tmp_path) == 0
    with pytest.raises(DataError, match=told):  # each of its samples asks for it
        cache.open(file)
    assert len(calls) == len(broken)
    whole, _ = remote("a", b"0123456789")
    other = ShardCache(tmp_path, 100).open(whole)  # another process had more luck
    assert cache.open(file).path == other.path
    other.path.unlink()
    monkeypatch.setattr(shard_cache, "_FORGET", 0.0)
    assert cache.open(file).path.exists()


def test_a_full_disk_makes_room_and_is_told(tmp_path, monkeypatch):
    cache = ShardCache(tmp_path, 1000)
    for name in "ab":
        cache.open(remote(name, bytes(10))[0]).release()
    real = shard_cache._allocate

    def allocate(descriptor, size):
        if used(tmp_path) + size > 25:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor, size)

    monkeypatch.setattr(shard_cache, "_allocate", allocate)
    kept = cache.open(remote("c", bytes(20))[0])
    assert used(tmp_path) == 20
    with pytest.raises(DataError, match=r"disk of the cache of shards is full[\s\S]*s3://b/d"):
        cache.open(remote("d", bytes(10))[0])
    assert used(tmp_path) == 20
    kept.release()
    # Without a reservation the disk may fill up while it is written.
    monkeypatch.setattr(shard_cache, "_allocate", lambda descriptor, size: None)

    def write(descriptor, block):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shard_cache, "_write", write)
    with pytest.raises(DataError, match="is full"):
        cache.open(remote("e", bytes(10))[0])


def test_a_damaged_copy_is_downloaded_again(tmp_path):
    cache = ShardCache(tmp_path, 100)
    file, calls = remote("a", b"0123456789")
    (tmp_path / "a").write_bytes(b"012")
    assert cache.open(file).path.read_bytes() == b"0123456789"
    assert len(calls) == 1


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / f"x{PART}").write_bytes(bytes(20))
    cache = ShardCache(tmp_path, 25)
    cache.open(remote("a", bytes(10))[0])
    assert used(tmp_path) == 10
    (tmp_path / f"b{PART}").write_bytes(bytes(20))
    assert cache.open(remote("b", bytes(10))[0]).path.exists()


def test_one_thread_downloads_and_the_others_wait(tmp_path):
    calls, copies = [], []

    def blocks():
        calls.append(1)
        time.sleep(0.1)
        yield bytes(10)

    file = RemoteFile("a", "s3://b/a", 10, iter, blocks)
    cache = ShardCache(tmp_path, 10)
    threads = [threading.Thread(target=lambda: copies.append(cache.open(file))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(calls), len(copies)) == (1, 5)


def test_without_locks_no_thread_removes_what_another_one_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(system_calls, "fcntl", None)
    cache, begun = ShardCache(tmp_path, 12), threading.Event()
    goes_on = [threading.Event(), threading.Event()]
    waiting = iter(goes_on)

    def slow():
        event = next(waiting)
        yield b"01234"
        begun.set()
        event.wait(5)
        yield b"56789"

    file = replace(remote("a", b"0123456789")[0], blocks=slow)
    contents = []

    def read():
        copy = cache.open(file)
        contents.append(os.pread(copy._descriptor, 10, 0))

    first = threading.Thread(target=read)
    first.start()
    begun.wait(5)
    second = threading.Thread(target=lambda: cache.open(remote("b", b"9876543210")[0]))
    second.start()
    second.join(0.1)  # it would remove the unfinished file
    third = threading.Thread(target=read)
    third.start()
    third.join(0.1)  # and this one write another in its place
    goes_on[0].set()
    first.join()
    assert contents == [b"0123456789"]
    goes_on[1].set()
    for thread in (second, third):
        thread.join()
    assert contents == [b"0123456789"] * 2


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot be written[\s\S]*cache=FOLDER"):
        ShardCache(tmp_path / "file", 100).open(remote("a", bytes(10))[0])


READER = """
import sys
from densefit.datasets import Shards

data = Shards(sys.argv[1], cache=sys.argv[2], cache_size=int(sys.argv[3]), buffer=4)
order = data.order(True, 1).part(int(sys.argv[4]), 2)
print(*[data[index].id for epoch in range(3) for index in order.indices(0, epoch)])
"""


def test_processes_share_a_cache_that_is_too_small_for_all_shards(tmp_path):
    from densefit.datasets import Shapes
    from densefit.tools.formats.packed_shards import pack_shards

    data = Shapes(length=30, size=(40, 48))
    pack_shards(data, tmp_path / "p/train.rec", 12_000)
    total = sum(p.stat().st_size for p in (tmp_path / "p").iterdir())
    budget, most, processes = int(total * 0.8), 0, []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    for rank in range(2):
        arguments = [f"file://{tmp_path}/p", str(tmp_path / "c"), str(budget), str(rank)]
        processes.append(
            forked.Popen(
                [sys.executable, "-c", READER, *arguments],
                stdout=forked.PIPE, text=True, env=environment,
            )
        )  # fmt: skip
    while any(process.poll() is None for process in processes):
        most = max(most, used(tmp_path / "c") if (tmp_path / "c").exists() else 0)
        time.sleep(0.01)
    ids = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(ids[0] + ids[1]) == sorted(3 * [data.id_of(index) for index in range(30)])
    assert 0 < most <= budget
