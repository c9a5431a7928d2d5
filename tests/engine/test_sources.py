"""Sources of iterators that nothing is known about."""

import numpy as np
import pytest

from densefit import adapters
from densefit.backend import mx
from densefit.engine.sources import source_of
from densefit.errors import DataError
from densefit.interop.foreign_source import ForeignSource


class Rows:
    """Batches of 2 rows, the last with a padding row; stands at its end if it is made so."""

    provide_data = [("data", (2, 1))]
    provide_label = []

    def __init__(self, is_spent=False):
        self.resets, self.is_spent = 0, is_spent

    def reset(self):
        self.resets, self.is_spent = self.resets + 1, False

    def __iter__(self):
        for first in () if self.is_spent else (0, 2):
            rows = mx.nd.array([[first], [first + 1]])
            yield mx.io.DataBatch([rows], [], pad=1 if first else None)
        self.is_spent = True


def rows(batches):
    return [int(row) for batch in batches for row in batch.data["data"][: batch.real].ravel()]


def test_the_first_epoch_begins_where_the_iterator_stands():
    data = Rows()
    source = source_of(data)
    assert type(source) is ForeignSource
    assert rows(source.train_epoch()) == [0, 1, 2]
    assert data.resets == 0
    assert rows(source.train_epoch()) == [0, 1, 2]
    assert data.resets == 1


def test_an_iterator_at_its_end_is_reset():
    data = Rows(is_spent=True)
    assert rows(source_of(data).train_epoch()) == [0, 1, 2]
    assert data.resets == 1


def test_a_scoring_pass_begins_with_a_reset():
    data = Rows()
    source = source_of(data)
    for resets in (1, 2):
        assert rows(source.score_pass()) == [0, 1, 2]
        assert data.resets == resets
    assert rows(source.train_epoch()) == [0, 1, 2]
    assert data.resets == 3


def test_nothing_is_known_of_it():
    source = source_of(Rows())
    source.check_passes(5)
    assert source.samples is None
    assert source.length() is None
    assert source.total(3) is None
    assert source.describe_epoch(3) is None


def test_a_length_and_a_dataset_are_believed():
    class Long(Rows):
        dataset = np.zeros(3)

        def __len__(self):
            return 2

    source = source_of(Long())
    assert (source.samples, source.length(), source.total(3)) == (3, 2, 6)


def test_an_adapter_must_make_a_source():
    class Foreign(Rows):
        pass

    known = adapters.sources._adapters
    adapters.sources.register(lambda data: isinstance(data, Foreign))(lambda data: "no source")
    try:
        with pytest.raises(DataError, match="did not return a Source") as raised:
            source_of(Foreign())
        assert raised.value.where == "the adapter of Foreign"
    finally:
        known.pop()
