"""Scores of MXNet's iterators, and of those that use their arrays again."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import DataError


def test_wrapped_iterators_that_lose_samples_are_refused(tiny):
    network = df.fit(
        tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1
    ).network
    data = tiny.iterator(10, 4, last_batch_handle="discard")
    for iterator in (data, mx.io.PrefetchingIter(data)):
        with pytest.raises(DataError, match="cannot give every sample exactly once"):
            df.score(network, iterator)
    with pytest.raises(DataError, match="ResizeIter"):
        df.score(network, mx.io.ResizeIter(tiny.iterator(10, 4), 5))


class Refilled(mx.io.DataIter):
    """Hands out the same arrays again and again, filled anew, as many readers in C++ do."""

    def __init__(self, batches):
        super().__init__(batches[0].data[0].shape[0])
        self.batches, self.at = batches, 0
        first = batches[0]
        self.data = [array.copy() for array in first.data]
        self.label = [array.copy() for array in first.label]
        self.provide_data, self.provide_label = first.provide_data, first.provide_label

    def reset(self):
        self.at = 0

    def next(self):
        if self.at == len(self.batches):
            raise StopIteration
        batch = self.batches[self.at]
        self.at += 1
        for own, new in zip(self.data + self.label, batch.data + batch.label):
            new.copyto(own)
        return mx.io.DataBatch(self.data, self.label, pad=0)


def listed(iterator):
    """Its batches, each with arrays of its own."""
    iterator.reset()
    found = []
    for batch in iterator:
        arrays = [[array.copy() for array in part] for part in (batch.data, batch.label)]
        descs = {"provide_data": iterator.provide_data, "provide_label": iterator.provide_label}
        found.append(mx.io.DataBatch(*arrays, pad=0, **descs))
    return found


def test_an_iterator_that_fills_its_arrays_again_scores_alike(tiny):
    network = df.Network(symbol=tiny.conv_bn(), routes=tiny.kind_route())
    df.fit(network, tiny.images(12), epochs=1)
    batches = listed(tiny.images(12))
    assert len(batches) > 2
    assert df.score(network, Refilled(batches)) == df.score(network, tiny.images(12))


class Fresh(Refilled):
    """The same batches, each in arrays of its own."""

    def next(self):
        if self.at == len(self.batches):
            raise StopIteration
        self.at += 1
        return self.batches[self.at - 1]


def test_micro_batches_of_such_an_iterator_are_not_all_the_last_one(tiny):
    """All of an update are read first where there are several heads."""
    values = []
    for kind in (Fresh, Refilled):
        heads = [tiny.Brightness(), tiny.Brightness("other", weight=3)]
        network = df.Network(tiny.Backbone(), heads)
        batches = listed(df.interop.as_data_iter(tiny.loader(network, 8, 2, workers=0)))
        settings = {"accumulate": 4, "optimizer_params": {"learning_rate": 0.1}}
        df.fit(network, kind(batches), epochs=2, **settings)
        values.append(tiny.values(network))
    for name, value in values[0].items():
        np.testing.assert_array_equal(value, values[1][name], err_msg=name)


def test_a_prefetching_iterator_scores_alike(tiny):
    network = df.fit(
        tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1
    ).network
    plain = df.score(network, tiny.iterator(10, 4))
    assert df.score(network, mx.io.PrefetchingIter(tiny.iterator(10, 4))) == plain
