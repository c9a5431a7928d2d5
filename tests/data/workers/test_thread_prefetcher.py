import threading
import time

import numpy as np
import pytest

from densefit.data.loader.sample_task import SampleTask
from densefit.data.sample import Sample
from densefit.data.workers.errors import TooSlowError
from densefit.data.workers.thread_prefetcher import ThreadPrefetcher
from densefit.errors import DataError


class Data:
    """Sample 2 cannot be read; sample 4 waits for its gate."""

    classes = []

    def __init__(self):
        self.read, self.gate = [], threading.Event()

    def __len__(self):
        return 10

    def id_of(self, index):
        return f"s{index}"

    def __getitem__(self, index):
        self.read.append(index)
        if index == 2:
            raise OSError("broken")
        if index == 4:
            self.gate.wait(20)
        return Sample(f"s{index}", np.zeros((2, 2, 3), np.uint8), {})


@pytest.fixture
def data():
    data = Data()
    yield data
    data.gate.set()


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_in_order_and_past_an_error(data, workers):
    data.gate.set()
    ahead = ThreadPrefetcher(workers, 4, timeout=20)
    ahead.begin(SampleTask(data, None, (), 0, 0), [5, 2, 4, 0])
    assert ahead.next().id == "s5"
    with pytest.raises(DataError, match="broken"):
        ahead.next()
    assert ahead.current == 2
    assert [ahead.next().id, ahead.next().id, ahead.next()] == ["s4", "s0", None]
    ahead.begin(SampleTask(data, None, (), 0, 1), [1])
    assert [ahead.next().id, ahead.next()] == ["s1", None]
    ahead.stop()
    assert ahead.next() is None


def test_the_window_is_bounded(data):
    ahead = ThreadPrefetcher(2, 3, timeout=20)
    ahead.begin(SampleTask(data, None, (), 0, 0), [4] * 50)
    data.gate.set()
    ahead.next()
    assert len(data.read) <= 1 + 3
    ahead.stop()


def test_too_slow_is_named_and_begins_anew_with_new_threads(data):
    ahead = ThreadPrefetcher(1, 3, timeout=0.5)
    ahead.begin(SampleTask(data, None, (), 0, 0), [4, 1])
    with pytest.raises(TooSlowError, match=r"0\.5 s[\s\S]*'s4'"):
        ahead.next()
    ahead.timeout = 20
    ahead.begin(SampleTask(data, None, (), 0, 1), [1])
    assert ahead.next().id == "s1"
    ahead.stop()


def test_a_sample_that_hangs_when_it_comes_again_is_named(data):
    ahead = ThreadPrefetcher(1, 2, timeout=0.2)
    ahead.begin(SampleTask(data, None, (), 0, 0), [3, 14])  # the second coming of 4, of ten
    assert ahead.next().id == "s3"
    with pytest.raises(TooSlowError, match="sample 's4'"):
        ahead.next()


@pytest.mark.parametrize("workers", [0, 2])
def test_one_iteration_at_a_time_and_nothing_lost_in_silence(data, workers):
    data.gate.set()
    ahead, work = ThreadPrefetcher(workers, 3, timeout=20), SampleTask(data, None, (), 0, 0)
    first = ahead.all(work, [0, 1, 3, 5])
    assert next(first).id == "s0"
    second = ahead.all(work, [7, 8])
    assert [one.id for one in second] == ["s7", "s8"]
    with pytest.raises(DataError, match=r"begun anew[\s\S]*make a loader for each"):
        next(first)
    third = ahead.all(work, [0, 1, 3, 5, 6, 7])
    assert next(third).id == "s0"
    third.close()  # as `break` does
    assert ahead.next() is None
    assert [one.id for one in ahead.all(work, [9])] == ["s9"]
    ahead.stop()


class Slow:
    """Sample i takes `seconds[i]`."""

    def __init__(self, *seconds):
        self.seconds = seconds

    def __len__(self):
        return len(self.seconds)

    def id_of(self, index):
        return f"s{index}"

    def __getitem__(self, index):
        time.sleep(self.seconds[index])
        return Sample(f"s{index}", np.zeros((2, 2, 3), np.uint8), {})


def until(holds):
    for _ in range(500):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def of(*seconds):
    return SampleTask(Slow(*seconds), None, (), 0, 0), range(len(seconds))


def test_a_slow_sample_that_was_begun_ahead_is_told_at_its_turn_too():
    ahead = ThreadPrefetcher(1, 3, timeout=0.1)
    ahead.begin(*of(0, 0.25, 0))
    assert ahead.next().id == "s0"
    time.sleep(0.4)  # all are made meanwhile
    with pytest.raises(TooSlowError, match=r"at most 0\.1 s[\s\S]*0\.2\d* s[\s\S]*'s1'"):
        ahead.next()
    assert [ahead.next().id, ahead.next()] == ["s2", None]
    ahead.stop()


def test_time_spent_in_the_queue_is_no_sample_s():
    ahead = ThreadPrefetcher(1, 8, timeout=0.3)
    ahead.begin(*of(*[0.2] * 8))
    ahead.ready(8)
    time.sleep(0.05)
    ahead.begin(*of(0.2, 0))  # waits for the one that is under way
    assert [ahead.next().id, ahead.next().id, ahead.next()] == ["s0", "s1", None]
    ahead.stop()


def test_what_hangs_of_an_epoch_that_was_given_up_is_named_where_it_keeps_others_waiting(data):
    ahead = ThreadPrefetcher(1, 3, timeout=0.2)
    ahead.begin(SampleTask(data, None, (), 0, 0), [4])
    ahead.ready(1)
    until(lambda: data.read == [4])
    ahead.begin(SampleTask(data, None, (), 0, 1), [1])
    with pytest.raises(TooSlowError, match="sample 's4'"):
        ahead.next()
    free = ThreadPrefetcher(2, 3, timeout=0.2)
    free.begin(SampleTask(data, None, (), 0, 0), [4])
    free.ready(1)
    until(lambda: data.read.count(4) == 2)
    free.begin(SampleTask(data, None, (), 0, 1), [1])
    assert free.next().id == "s1"  # another thread has time
    free.stop()
