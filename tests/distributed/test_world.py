import socket
import threading
import time

import numpy as np
import pytest

from densefit.distributed import World
from densefit.distributed.connection import Connection
from densefit.distributed.hub import Hub
from tests.distributed.ranks import environments, finish, run, start

HEAD = """
import sys, time, numpy as np
from densefit.distributed import world
world = world()
"""


def test_a_single_process_needs_no_channel():
    alone = World()
    assert alone.is_first
    assert not alone.is_shared
    assert alone.all_gather("a", 3) == [3] == alone.gather("b", 3)
    assert alone.broadcast("c", 4) == 4
    alone.barrier("d")


def test_collectives_of_three_ranks():
    code = """
values = world.all_gather("numbers", {"rank": world.rank, "x": np.full(3, world.rank)})
assert [value["rank"] for value in values] == [0, 1, 2]
assert [value["x"].tolist() for value in values] == [[0] * 3, [1] * 3, [2] * 3]
assert world.broadcast("first", world.rank + 7) == 7
gathered = world.gather("to first", world.rank)
assert gathered == ([0, 1, 2] if world.is_first else None)
for number in range(300):
    world.barrier(f"barrier {number}")
large = world.all_gather("large", np.full(1_000_000, world.rank, np.float32))
assert [part[-1] for part in large] == [0, 1, 2]
print("done", world.rank)
"""
    assert run(HEAD + code, 3) == [f"done {rank}\n" for rank in range(3)]


def test_ranks_that_diverge_are_named():
    code = 'world.barrier("update 5" if world.rank != 1 else "validation 2")'
    for status, _, err in finish(start(HEAD + code, 3)):
        assert status == 76
        assert "diverged" in err
        assert "rank 1: 'validation 2'" in err
        assert "'update 5'" in err


def test_an_error_of_one_rank_reaches_the_others():
    code = """
if world.rank == 1:
    raise ValueError("no such file")
world.barrier("update 1")
"""
    results = finish(start(HEAD + code, 2))
    assert [status for status, _, _ in results] == [76, 1]
    assert "Rank 1 has failed: ValueError: no such file" in results[0][2]


def test_a_rank_that_ends_early_is_named():
    code = 'world.barrier("one")\nif world.rank == 0: world.barrier("two")'
    results = finish(start(HEAD + code, 2))
    assert results[0][0] == 76
    assert "Rank 1 ended, while rank 0 waits at 'two'" in results[0][2]


@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_rank_is_named_within_seconds(killed):
    code = """
world.barrier("one")
print("ready", flush=True)
if world.rank == int(sys.argv[1]):
    time.sleep(60)
world.barrier("two")
"""
    ranks = start(HEAD + code, 3, [killed], DENSEFIT_SILENT_SECONDS="100")
    for rank in ranks:
        assert rank.stdout.readline() == "ready\n"
    before = time.monotonic()
    ranks[killed].kill()
    results = finish(ranks)
    assert time.monotonic() - before < 60
    for number, (status, _, err) in enumerate(results):
        if number != killed:
            assert status == 76
            assert f"Rank {killed} has died" in err


def test_a_rank_that_stops_reading_is_named_by_all_others():
    """Its part of a large answer fills the buffers of its connection."""
    code = """
import os, signal, threading
world.barrier("one")
if world.rank == 1:
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGSTOP)).start()
if world.rank == 0:
    time.sleep(1.0)
world.all_gather("large", np.zeros(8_000_000, np.float32) if world.rank == 0 else None)
world.barrier("two")
"""
    ranks = start(HEAD + code, 3, DENSEFIT_SILENT_SECONDS="2")
    try:
        for status, _, err in finish([ranks[0], ranks[2]]):
            assert status == 76
            assert "Rank 1 sent no heartbeat for 2 s" in err
    finally:
        ranks[1].kill()
        ranks[1].communicate()


def test_a_rank_0_that_stops_reading_is_found():
    code = """
import os, signal
from densefit.distributed import member
member.GRACE = 0.5
world.barrier("one")
if world.rank == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(0.5)
world.all_gather("large", np.zeros(8_000_000, np.float32))
"""
    ranks = start(HEAD + code, 2, DENSEFIT_SILENT_SECONDS="2")
    try:
        ((status, _, err),) = finish(ranks[1:], 30)
        assert status == 76
        assert "Rank 0 sent no heartbeat for 2 s" in err
    finally:
        ranks[0].kill()
        ranks[0].communicate()


def test_a_message_that_takes_long_is_no_silence():
    first, second = socket.socketpair()
    connection = Connection(second)
    reader = threading.Thread(target=connection.receive)
    reader.start()
    first.sendall(b"C" + (6).to_bytes(8, "little"))
    before = time.monotonic()
    first.sendall(b"abc")
    end = before + 5
    while connection.heard < before and time.monotonic() < end:
        time.sleep(0.01)
    assert connection.heard >= before
    first.sendall(b"def")
    reader.join()
    first.close()
    connection.close()


def test_a_slow_collective_ends_with_the_name_of_who_is_late():
    code = 'world.barrier("one")\nif world.rank: time.sleep(2)\nworld.barrier("two")'
    results = finish(start(HEAD + code, 2, DENSEFIT_COLLECTIVE_SECONDS="1"))
    assert "'two' has waited 1 s for rank 1 (last: 'one')" in results[0][2]


def test_a_rank_that_does_not_join_is_named():
    ranks = start(HEAD + 'world.barrier("one")', 3, ranks=[0, 1], DENSEFIT_JOIN_SECONDS="2")
    results = finish(ranks)
    assert "Rank 2 did not join in 2 s" in results[0][2]


def test_a_process_that_waits_elsewhere_is_ended():
    code = """
from densefit.distributed import member
member.GRACE = 1.0
world.barrier("one")
if world.rank == 1:
    raise SystemExit(3)
import threading
threading.Thread(target=lambda: world.barrier("two"), daemon=True).start()
time.sleep(60)  # as in a library that waits for the dead rank
"""
    results = finish(start(HEAD + code, 2))
    assert results[0][0] == 76
    assert "Rank 1 ended" in results[0][2]


def test_strangers_are_not_heard():
    code = 'world.barrier("one")\ntime.sleep(1.5)\nworld.barrier("two")\nprint("done")'
    control = environments(2)[0]["DENSEFIT_CONTROL"]
    address, port = control.split(":")
    ranks = start(HEAD + code, 2, DENSEFIT_CONTROL=control)
    time.sleep(0.5)
    plugs = []
    for content in (b"GET / HTTP/1.1\r\n\r\n" + b"x" * 200, b"", b"\0" * 72):
        for _ in range(100):
            try:
                plugs.append(socket.create_connection((address, int(port)), 1))
                break
            except OSError:
                time.sleep(0.05)
        plugs[-1].sendall(content)
    results = finish(ranks)
    assert [(status, out) for status, out, _ in results] == [(0, "done\n")] * 2
    assert len(plugs) == 3
    for plug in plugs:
        plug.close()


def test_a_rank_with_another_token_does_not_join():
    address = environments(2)[0]["DENSEFIT_CONTROL"]
    common = {"DENSEFIT_JOIN_SECONDS": "2", "DENSEFIT_CONTROL": address}
    code = HEAD + 'world.barrier("one")'
    mixed = [
        *start(code, 2, ranks=[0], DENSEFIT_TOKEN="a", **common),
        *start(code, 2, ranks=[1], DENSEFIT_TOKEN="b", **common),
    ]
    results = finish(mixed)
    assert "did not join" in results[0][2]
    assert "cannot be reached" in results[1][2]


def test_gathered_arrays_are_writable():
    (array,) = World().all_gather("a", np.zeros(2))
    array += 1


def test_rank_0_learns_of_a_failure_last(monkeypatch):
    """It may end at once, and the others would take its end for the failure."""
    order = []

    class Listening:
        def __init__(self, rank):
            self.rank = rank

        def send(self, kind, pieces=()):
            order.append(("told", self.rank))

        def flush(self, seconds):
            order.append(("knows", self.rank))

    hub = Hub.__new__(Hub)
    hub._lock, hub._failure, hub._is_told = threading.Lock(), None, threading.Event()
    hub._members = {rank: Listening(rank) for rank in (0, 2, 1, 3)}
    hub._fail("Rank 1 has died", 1)
    assert order[:2] == [("told", 2), ("told", 3)]
    assert sorted(order[2:4]) == [("knows", 2), ("knows", 3)]
    assert order[4:] == [("told", 0), ("knows", 0)]
    assert hub._is_told.is_set()
