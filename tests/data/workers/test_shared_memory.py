import multiprocessing
import os

import numpy as np
import pytest

from densefit.data.workers.shared_memory import Mailbox, SharedMemory
from densefit.errors import DataError


def result(memory, mailbox, pipe):
    """What the other process of the tests does."""
    with memory.view() as view:
        view[3] = 7
    pipe.send(mailbox.read(1))
    pipe.recv()
    memory.refresh()
    with memory.view() as view:
        pipe.send(bytes(view[-2:]))
    pipe.send(mailbox.read(1))
    pipe.send(mailbox.read(2))


def test_two_processes_see_the_same_bytes_also_of_a_new_size():
    context = multiprocessing.get_context("spawn")
    memory, mailbox = SharedMemory(100), Mailbox()
    mailbox.write(1, b"first")
    here, there = context.Pipe()
    process = context.Process(target=result, args=(memory, mailbox, there))
    process.start()
    assert here.recv() == b"first"
    with memory.view() as view:
        assert view[3] == 7
    memory.resize(5000)
    with memory.view() as view:
        assert view[3] == 7
        view[-2:] = b"zz"
    long = np.random.default_rng(0).bytes(300_000)  # more than a pipe holds
    mailbox.write(2, long)
    here.send("go on")
    assert here.recv() == b"zz"
    assert here.recv() is None
    assert here.recv() == long
    process.join()
    assert process.exitcode == 0
    memory.close()
    mailbox.close()


def test_a_letter_that_is_being_written_is_not_read(monkeypatch):
    mailbox, seen = Mailbox(), []
    mailbox.write(1, b"old")
    write = os.pwrite

    def watched(descriptor, text, offset):
        result = write(descriptor, text, offset)
        seen.append((mailbox.read(1), mailbox.read(2)))
        return result

    monkeypatch.setattr(os, "pwrite", watched)
    mailbox.write(2, b"newer")
    assert seen[:-1] == [(None, None)] * (len(seen) - 1)
    assert seen[-1] == (None, b"newer")
    mailbox.close()


def test_closing_gives_the_descriptors_back_and_may_be_repeated():
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        memory = SharedMemory(10)
        with memory.view() as view:
            view[0] = 1
        memory.close()
        memory.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_memory_that_is_not_there_is_told():
    with pytest.raises(DataError, match=r"no memory to share[\s\S]*threads"):
        SharedMemory(1 << 60)
