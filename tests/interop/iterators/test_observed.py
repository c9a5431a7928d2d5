"""Settings and positions of C++ iterators are observed, and nothing else about them changes."""

import importlib

import pytest

from densefit.backend import mx
from densefit.engine.sources import source_of
from densefit.errors import DataError
from densefit.interop.iterators import observed
from densefit.interop.iterators.observed import observation


def test_settings_and_kind_are_kept(makers):
    iterator = makers.make("ImageRecordIter round_batch=False", 10, 4)
    seen = observation(iterator)
    assert seen.kind == "ImageRecordIter"
    assert seen.settings["batch_size"] == 4
    assert seen.settings["round_batch"] is False
    assert not seen.rounds
    assert iterator.first_batch is not None
    assert [makers.numbers(batch)[0] for batch in iterator] == [0, 4, 8]
    assert (seen.batches, seen.has_ended, seen.epochs, seen.is_torn) == (3, True, 0, False)
    iterator.reset()
    assert (seen.batches, seen.has_ended, seen.epochs, seen.is_torn) == (0, False, 1, False)
    next(iterator)
    iterator.reset()
    assert seen.is_torn
    assert (seen.total, seen.batches, seen.samples) == (4, 0, None)


@pytest.mark.parametrize("text", ["True", "true", "1", 1, True])
def test_booleans_are_read_as_in_c(makers, text):
    assert observation(makers.csv(10, 4, round_batch=text)).rounds
    assert not observation(makers.csv(10, 4, round_batch="False")).rounds


def test_samples_are_learnt_from_a_whole_epoch(makers):
    iterator = makers.csv(10, 4)
    seen = observation(iterator)
    for _ in range(3):
        list(iterator)
        assert seen.samples == 10
        iterator.reset()
    # What the first epoch's last batch gave away is learnt too.
    iterator = makers.csv(10, 4)
    next(iterator)
    iterator.reset()
    for expected in (None, 10):
        list(iterator)
        assert observation(iterator).samples == expected
        iterator.reset()


def test_reading_by_iter_next_is_observed(makers):
    iterator = makers.csv(10, 4)
    list(iterator)
    iterator.reset()
    while iterator.iter_next():
        iterator.getdata()
    assert observation(iterator).has_ended
    assert observation(iterator).batches == 2


def test_a_second_import_observes_once(makers):
    methods = mx.io.MXDataIter.__init__, mx.io.MXDataIter.next, mx.io.MXDataIter.reset
    importlib.reload(observed)
    assert methods == (
        mx.io.MXDataIter.__init__,
        mx.io.MXDataIter.next,
        mx.io.MXDataIter.reset,
    )
    assert mx.io.MXDataIter.next.__doc__ == mx.io.MXDataIter.next.__wrapped__.__doc__


def test_an_iterator_made_before_is_refused(makers):
    iterator = makers.make("ImageRecordIter", 10, 4)
    delattr(iterator, observed._MARK)
    for data in (iterator, mx.io.PrefetchingIter(iterator)):
        with pytest.raises(DataError, match="import densefit before") as raised:
            source_of(data)
        assert "forgets its settings" in raised.value.received
