"""The next batch while the present one is computed: the same batches, and no waiting."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.engine.batch_reader import Feeder
from densefit.engine.prefetcher import Early
from densefit.errors import DataError


def early(batches, ready=lambda: True):
    return Early(SimpleNamespace(iterator=SimpleNamespace(ready=ready)), iter(batches))


def test_batches_come_in_order_whether_fetched_or_not():
    batches = early([1, 2, 3, 4])
    found = [next(batches)]
    batches.fetch()
    batches.fetch()  # no second one
    found += [next(batches), next(batches)]
    batches.fetch()
    found += list(batches)
    assert found == [1, 2, 3, 4]


def test_what_is_not_ready_is_not_asked_for():
    asked = []

    def batches():
        asked.append(1)
        yield 1

    one = early(batches(), ready=lambda: False)
    one.fetch()
    assert not asked
    assert list(one) == [1]


def test_an_iterator_that_does_not_tell_is_not_asked_early():
    one = Early(SimpleNamespace(iterator=object()), iter([1, 2]))
    assert next(one) == 1
    one.fetch()
    assert next(one._batches) == 2


def test_the_end_and_errors_come_when_they_are_asked_for():
    def broken():
        yield 1
        raise DataError("gone")

    one = early(broken())
    assert next(one) == 1
    one.fetch()
    with pytest.raises(DataError, match="gone"):
        next(one)
    end = early([])
    end.fetch()
    assert list(end) == []


def test_no_more_are_fetched_than_will_be_asked_for():
    inner = iter([1, 2, 3, 4])
    feeder = SimpleNamespace(iterator=SimpleNamespace(ready=lambda: True))
    one = Early(feeder, inner, most=2)
    found = [next(one)]
    one.fetch()
    found.append(next(one))
    one.fetch()
    assert found == [1, 2]
    assert next(inner) == 3


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
        batches = Early(Feeder(loader, [], "train"), iter(loader))
        for batch in batches:
            seen += batch.ids
            for _ in range(1000):
                if loader.ready():
                    break
                threading.Event().wait(0.01)
            assert loader.ready()
            batches.fetch()
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
