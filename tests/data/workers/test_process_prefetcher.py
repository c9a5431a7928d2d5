import os
import re
import signal
import time

import numpy as np
import pytest

from densefit.data.loader.sample_task import SampleTask
from densefit.data.sample import Sample
from densefit.data.workers.errors import LostWorkerError, TooSlowError
from densefit.data.workers.process_prefetcher import ProcessPrefetcher, RemoteError
from densefit.errors import DataError


class Data:
    """Sample 2 cannot be read, 4 is slow, 5 exits, 6 is killed, 7 and 9 are large."""

    classes = []

    def __init__(self, slow=0.0, size=2):
        self.slow, self.size = slow, size

    def __len__(self):
        return 10

    def id_of(self, index):
        return f"s{index}"

    def __getitem__(self, index):
        if index == 2:
            raise DataError("Broken", received=17, where="a.jpg")
        if index == 4:
            time.sleep(self.slow)
        if index == 5:
            raise SystemExit(3)
        if index == 6:
            os.kill(os.getpid(), signal.SIGKILL)
        size = 700 if index in (7, 9) else self.size
        return Sample(f"s{index}", np.full((size, size, 3), index, np.uint8), {})


def work(epoch=0, **settings):
    return SampleTask(Data(**settings), None, (), 0, epoch)


@pytest.fixture(scope="module")
def long_lived():
    """Its processes serve several tests, as those of a loader serve several epochs."""
    ahead = ProcessPrefetcher(2, 5, timeout=60, slot_bytes=4096)
    yield ahead
    ahead.stop()


@pytest.fixture
def ahead(long_lived):
    long_lived.timeout = 60
    return long_lived


def test_in_order_and_past_errors(ahead):
    ahead.begin(work(slow=0.2), [4, 0, 1, 2, 3, 5, 8, 1])
    assert [ahead.next().id for _ in range(3)] == ["s4", "s0", "s1"]
    with pytest.raises(DataError, match="Broken") as caught:
        ahead.next()
    error = caught.value
    assert (error.received, error.where, ahead.current) == ("17", "a.jpg (sample 's2')", 2)
    assert isinstance(error.__cause__, RemoteError)
    assert "in __getitem__" in str(error.__cause__)
    assert ahead.next().id == "s3"
    with pytest.raises(DataError, match="SystemExit: 3"):
        ahead.next()
    assert [ahead.next().id, ahead.next().id, ahead.next()] == ["s8", "s1", None]
    assert ahead.next() is None


def test_begun_again_in_the_middle_again_and_again(ahead):
    for epoch in range(30):
        ahead.begin(work(epoch), [3, 0, 1, 0, 3, 8] * 5)
        assert [ahead.next().id for _ in range(epoch % 4)] == ["s3", "s0", "s1"][: epoch % 4]
    ahead.begin(work(), [1])
    assert [ahead.next().id, ahead.next()] == ["s1", None]


def test_a_sample_larger_than_its_slot_comes_whole_and_makes_slots_larger(ahead):
    large = 5 * 3 * 700 * 700
    for epoch in range(50):
        # Slots grow in an epoch that begins while no process is at work for another test's.
        if epoch > 1 and ahead.shared_bytes >= large:
            break
        ahead.begin(work(), [7, 0, 9, 1])
        made = [ahead.next() for _ in range(4)]
        for one, number in zip(made, (7, 0, 9, 1)):
            assert (one.data == number).all()
        assert [one.data.shape[1] for one in made] == [700, 2, 700, 2]
        assert ahead.next() is None
    assert large <= ahead.shared_bytes < 1.1 * large


def test_a_killed_process_names_its_sample_at_once_and_new_ones_go_on(ahead):
    ahead.begin(work(slow=200), [0, 4, 6, 1, 3])
    assert ahead.next().id == "s0"
    begun = time.monotonic()
    with pytest.raises(LostWorkerError, match=r"SIGKILL[\s\S]*sample 's6'"):
        ahead.next()  # waits for 4
    assert time.monotonic() - begun < 100
    assert ahead.next() is None
    ahead.begin(work(), [1])
    assert ahead.next().id == "s1"


def test_too_slow_is_named_and_its_process_killed(ahead):
    ahead.begin(work(), [0])
    ahead.next()
    ahead.timeout = 0.5
    processes = [one.pid for one in ahead._pool._processes]
    ahead.begin(work(slow=600), [3, 14])  # the second coming of 4, of ten
    assert ahead.next().id == "s3"
    with pytest.raises(TooSlowError, match=r"0\.5 s[\s\S]*'s4'"):
        ahead.next()
    for pid in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_slow_sample_that_was_begun_ahead_is_told_at_its_turn_too(ahead):
    ahead.begin(work(), [0])
    ahead.next()
    processes = [one.pid for one in ahead._pool._processes]
    ahead.timeout = 0.3
    ahead.begin(work(slow=0.6), [0, 4, 1])
    assert ahead.next().id == "s0"
    end = time.monotonic() + 60
    while not ahead.ready(2) and time.monotonic() < end:
        time.sleep(0.05)  # all are made meanwhile
    with pytest.raises(TooSlowError, match=r"at most 0\.3 s") as caught:
        ahead.next()
    (took,) = re.findall(r"(\d\.\d+) s\b[\s\S]*'s4'", str(caught.value).split("at most 0.3 s")[1])
    assert 0.6 <= float(took) < 60
    assert [ahead.next().id, ahead.next()] == ["s1", None]
    assert [one.pid for one in ahead._pool._processes] == processes  # none of them hangs


def test_time_spent_in_the_queue_or_in_unpickling_is_no_sample_s(ahead):
    ahead.begin(work(), [0])
    ahead.next()
    ahead.timeout = 0.5
    ahead.begin(Slowly(0.8), [0, 1])
    assert [ahead.next().id, ahead.next().id] == ["s0", "s1"]
    ahead.begin(work(slow=0.4), [4, 14, 24, 34, 44])
    ahead.ready(5)
    ahead.begin(work(1, slow=0.4), [4, 1])
    assert [ahead.next().id, ahead.next().id, ahead.next()] == ["s4", "s1", None]


class Counted(Data):
    """Counts how often it is pickled here."""

    pickles = 0

    def __getstate__(self):
        Counted.pickles += 1
        return self.__dict__


def test_a_dataset_is_pickled_once_for_all_epochs_of_the_processes(ahead):
    data = Counted(size=3)
    ahead.stop()
    Counted.pickles = 0
    for epoch in range(4):
        task = SampleTask(data, None, (), 0, epoch)
        ahead.begin(task, [0, 1, 3])
        assert [ahead.next().data.shape for _ in range(3)] == [(3, 3, 3)] * 3
        assert Counted.pickles == 1
    ahead.begin(SampleTask(Counted(size=4), None, (), 0, 4), [0, 1, 3])  # another one
    assert [ahead.next().data.shape for _ in range(3)] == [(3, 4, 4)] * 3
    ahead.begin(SampleTask(data, None, (), 0, 5), [0])
    assert ahead.next().data.shape == (3, 3, 3)
    assert Counted.pickles == 3
    data.size = 5
    ahead.stop()  # new processes get the dataset as it is then
    ahead.begin(SampleTask(data, None, (), 0, 6), [0])
    assert ahead.next().data.shape == (3, 5, 5)


class Slowly(SampleTask):
    """Takes some seconds to unpickle."""

    def __init__(self, seconds):
        super().__init__(Data(), None, (), 0, 0)
        object.__setattr__(self, "wait", seconds)

    def __reduce__(self):
        return slowly, (self.wait,)


def slowly(seconds):
    time.sleep(seconds)
    return work()


def test_an_interrupt_loses_nothing_silently(ahead, monkeypatch):
    ahead.begin(work(), [0, 1, 3])
    ahead.next()

    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(ahead._pool, "results", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ahead.next()
    assert ahead.next() is None
    ahead.begin(work(), [0, 1, 3])
    assert [ahead.next().id for _ in range(3)] == ["s0", "s1", "s3"]


class Unopened:
    """Pickles, and cannot be unpickled: as what a process cannot import."""

    classes = []

    def __len__(self):
        return 3

    def id_of(self, index):
        return f"u{index}"

    def __reduce__(self):
        return _missing, ()


def _missing():
    raise AttributeError("Can't get attribute 'Data' on <module '__main__'>")


def test_work_that_no_process_can_open_is_told_once_and_never_skipped():
    ahead = ProcessPrefetcher(1, 3, timeout=60, slot_bytes=4096)
    ahead.begin(SampleTask(Unopened(), None, (), 0, 0), [0, 1, 2])
    with pytest.raises(LostWorkerError, match=r"cannot open[\s\S]*notebook"):
        ahead.next()
    assert ahead.next() is None
    ahead.stop()
