"""Scoring passes of other samples than announced, or than the pass before."""

import numpy as np
import pytest

import densefit as df
from densefit.symbol import sym
from tests.rows import DataIter, iterator_of_arrays, own_batch

X = np.arange(12, dtype=np.float32)[:, None]


class Own(DataIter):
    """Rows of X; the batches of an epoch are as many as its reset says."""

    def __init__(self, lengths, **attributes):
        super().__init__(4)
        self.lengths, self.length, self.at = list(lengths), lengths[0], 0
        self.provide_data, self.provide_label = [("data", (4, 1))], []
        vars(self).update(attributes)

    def reset(self):
        self.at = 0
        self.length = self.lengths.pop(0)

    def next(self):
        if self.at == self.length:
            raise StopIteration
        self.at += 1
        return own_batch(self, [X[4 * self.at - 4 : 4 * self.at]], [])


def network():
    scaled = sym.broadcast_mul(sym.Variable("data"), sym.Variable("weight", shape=(1, 1)))
    symbol = sym.MakeLoss(scaled, name="v")
    return df.Network(symbol=symbol, routes={"value": df.Route(["v"], (), ["loss"])})


@pytest.mark.parametrize(("announced", "is_told"), [(12, False), (14, True), ("12", False)])
def test_samples_that_are_announced(announced, is_told, caplog):
    made = network()
    made.set_params({"weight": np.ones((1, 1))})
    scores = df.score(made, Own([3], num_data=announced))
    assert scores == {"value/loss": pytest.approx(X.mean())}
    told = "12 samples came from the scoring data, and Own has num_data=14" in caplog.text
    assert told == is_told


@pytest.mark.parametrize(("lengths", "is_told"), [([3, 3, 3], False), ([3, 2, 2], True)])
def test_a_second_pass_that_is_shorter(lengths, is_told, caplog):
    train = iterator_of_arrays(X, batch_size=4)
    df.fit(network(), train, validation=Own(lengths), epochs=3)
    text = "8 samples came from the validation data, and 12 in the pass before"
    assert caplog.text.count(text) == is_told


@pytest.mark.parametrize("is_prefetched", [False, True])
def test_a_resized_iterator_of_a_users_own(mx, is_prefetched, caplog):
    def wrap(data):
        return mx.io.PrefetchingIter(data) if is_prefetched else data

    made = network()
    made.set_params({"weight": np.ones((1, 1))})
    scores = df.score(made, wrap(mx.io.ResizeIter(Own([3] * 9), 2)))
    assert scores == {"value/loss": pytest.approx(X[:8].mean())}
    assert "Whether 2 batches of Own are each sample once is not known" in caplog.text
    df.fit(network(), mx.io.ResizeIter(Own([3] * 9), 2), epochs=1)
    assert caplog.text.count("is not known") == 1
