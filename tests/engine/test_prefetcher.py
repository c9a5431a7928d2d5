"""The next batch while the present one is computed: the same batches, and no waiting."""

from __future__ import annotations

import threading

import pytest

import densefit as df
from densefit.callbacks.clock import Clock
from densefit.datasets import Shapes
from densefit.engine.prefetcher import Prefetcher
from densefit.errors import DataError


def always():
    return True


def test_batches_come_in_order_whether_read_ahead_or_not():
    updates = Prefetcher([1, 2, 3, 4], ready=always)
    found = [next(updates)]
    updates.prefetch()
    updates.prefetch()  # not a second batch
    found += [next(updates), next(updates)]
    updates.prefetch()
    found += list(updates)
    assert found == [[1], [2], [3], [4]]


def test_an_update_has_its_micro_batches_and_the_last_has_the_rest():
    assert list(Prefetcher(range(5), 2)) == [[0, 1], [2, 3], [4]]
    updates, found = Prefetcher(range(5), 2, ready=always), []
    for batches in updates:
        found.append(batches)
        for _ in range(3):
            updates.prefetch()
    assert found == [[0, 1], [2, 3], [4]]


def test_what_is_not_ready_is_not_read_ahead():
    asked = []

    def batches():
        asked.append(1)
        yield 1

    updates = Prefetcher(batches(), ready=lambda: False)
    updates.prefetch()
    assert not asked
    assert list(updates) == [[1]]


def test_an_iterator_that_does_not_tell_is_not_read_ahead():
    inner = iter([1, 2])
    updates = Prefetcher(inner)
    assert next(updates) == [1]
    updates.prefetch()
    assert next(inner) == 2


def test_the_end_and_errors_come_when_their_update_is_asked_for():
    def broken():
        yield 1
        raise DataError("gone")

    updates = Prefetcher(broken(), ready=always, first=7)
    assert next(updates) == [1]
    updates.prefetch()
    updates.prefetch()
    with pytest.raises(DataError, match="gone") as raised:
        next(updates)
    assert raised.value.where == "update 8"
    end = Prefetcher([], ready=always)
    end.prefetch()
    assert list(end) == list(end) == []


@pytest.mark.parametrize("accumulate", [1, 2])
def test_no_more_are_read_than_will_be_asked_for(accumulate):
    inner = iter(range(9))
    updates = Prefetcher(inner, accumulate, updates=2, ready=always)
    for _ in range(2):
        next(updates)
        for _ in range(3):
            updates.prefetch()
    assert next(inner) == 2 * accumulate


def test_an_update_begins_before_its_batches_are_read():
    events = []

    def batches():
        for number in range(3):
            events.append(number)
            yield number

    for _ in Prefetcher(batches(), 2, begin_update=lambda: events.append("begin")):
        pass
    assert events == ["begin", 0, 1, "begin", 2, "begin"]


def test_waiting_and_reading_ahead_are_charged_to_their_phases():
    now = iter(range(100))
    clock = Clock(lambda: next(now))
    updates = Prefetcher([1, 2], clock=clock, ready=always)
    next(updates)
    updates.prefetch()
    assert {phase for phase, own in clock.seconds.items() if own} == {"data", "copy"}


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_a_loader_whose_next_sample_failed_is_not_ready(kind):
    """With on_error="skip", another one has to be waited for."""
    loader = df.Loader(Broken(), batch_size=2, workers=1, worker_kind=kind, on_error="skip")
    with loader:
        for expected in (True, False):
            for _ in range(2000):
                if loader.ready():
                    break
                threading.Event().wait(0.005 if expected else 0.0005)
            assert loader.ready() == expected
            assert len(next(loader).ids) == 2


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_a_loader_tells_when_its_batch_is_made(kind):
    data = Held(8)
    with df.Loader(data, batch_size=2, workers=1, worker_kind=kind) as loader:
        if kind == "threads":
            data.gate.clear()
            loader.reset()
            assert not loader.ready()
            data.gate.set()
        seen = []
        updates = Prefetcher(loader, ready=loader.ready)
        for (batch,) in updates:
            seen += batch.ids
            for _ in range(1000):
                if loader.ready():
                    break
                threading.Event().wait(0.01)
            assert loader.ready()
            updates.prefetch()
        assert seen == [str(i) for i in range(8)]


def test_without_workers_nothing_is_ever_ready():
    assert not df.Loader(Shapes(4), batch_size=2, workers=0).ready()


class Broken:
    """Shapes of which the third cannot be read."""

    classes = tuple(Shapes(1).classes)

    def __init__(self):
        self.inside = Shapes(6, size=(24, 24))

    def __len__(self):
        return 6

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        if index == 2:
            raise OSError("broken")
        return self.inside[index]


class Held:
    """Samples that come while a gate is open."""

    classes = tuple(Shapes(1).classes)

    def __init__(self, length):
        self.inside = Shapes(length, size=(32, 32))
        self.gate = threading.Event()
        self.gate.set()

    def __len__(self):
        return len(self.inside)

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        assert self.gate.wait(30)
        sample = self.inside[index]
        sample.id = str(index)
        return sample

    def __reduce__(self):
        return (Held, (len(self.inside),))
