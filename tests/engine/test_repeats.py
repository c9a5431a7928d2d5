"""Rows of a user's own iterator that come twice, by DataBatch.index."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import DataError

X = np.arange(12, dtype=np.float32).reshape(6, 2)


class Own(mx.io.DataIter):
    """Gives rows of X in batches, and an index that is made of their numbers."""

    def __init__(self, batches, index=np.array, pad=0, **attributes):
        super().__init__(len(batches[0]))
        self.batches, self.index, self.pad, self.at = batches, index, pad, 0
        self.provide_data = [mx.io.DataDesc("data", (self.batch_size, 2))]
        self.provide_label = []
        vars(self).update(attributes)

    def reset(self):
        self.at = 0

    def next(self):
        if self.at == len(self.batches):
            raise StopIteration
        rows = self.batches[self.at]
        self.at += 1
        pad = self.pad if self.at == len(self.batches) else 0
        return mx.io.DataBatch([mx.nd.array(X[rows])], [], pad=pad, index=self.index(rows))


def scored(data, run=df.score):
    symbol = mx.sym.sum(mx.sym.Variable("data"), axis=1, name="value")
    network = df.Network(symbol=symbol, routes={"value": df.Route(["value"], (), ["loss"])})
    network.set_params({})
    return run(network, data)


EXACT = {"value/loss": pytest.approx(X.sum(axis=1).mean())}


def test_each_index_once():
    assert scored(Own([[3, 1], [0, 5], [4, 2]])) == EXACT
    data = Own([[3, 1], [0, 5], [4, 2]])
    assert [scored(data) for _ in range(2)] == [EXACT] * 2
    padded = Own([[3, 1, 2, 0], [5, 4, 3, 1]], pad=2)
    assert scored(padded) == EXACT
    short = Own([[3, 1, 2, 0], [5, 4, 3, 1]], index=lambda rows: rows[:2] if rows[0] == 5 else rows)
    short.pad = 2
    assert scored(short) == EXACT


def test_an_index_that_comes_twice():
    for batches in ([[0, 0]] * 3, [[0, 1], [2, 0]], [[1, 1], [2, 3]]):
        for index in (np.array, list, lambda rows: np.array(rows, np.uint64)):
            with pytest.raises(DataError, match="with the index [01] came twice") as raised:
                scored(Own(batches, index))
            assert "index=None" in raised.value.fix
    with pytest.raises(DataError, match="came twice"):
        scored(mx.io.PrefetchingIter(Own([[0, 0]] * 3)))


@pytest.mark.parametrize("index", [lambda rows: [0] * 2, lambda rows: [0, 1], lambda rows: [7]])
def test_an_index_that_is_none(index, caplog):
    """As ImageRecordIter's zeros, or the rows' numbers in a batch."""
    assert scored(Own([[3, 1], [0, 5], [4, 2]], index)) == EXACT
    assert "numbers no samples" in caplog.text
    caplog.clear()
    assert scored(Own([[0, 0]] * 3, lambda rows: None))["value/loss"] == 1
    assert not caplog.text


def test_samples_may_come_twice_in_training_and_predictions():
    predicted = scored(Own([[0, 0], [2, 2]]), df.predict)["value_output"]
    assert predicted.tolist() == [1, 1, 9, 9]
    symbol = mx.sym.MakeLoss(mx.sym.sum(mx.sym.Variable("data"), axis=1), name="value")
    metrics = {"value": df.Route(["value"], (), ["loss"])}
    assert df.fit(symbol, Own([[0, 0], [2, 2]]), epochs=2, heads=metrics)


def test_a_part_of_large_rows_is_looked_at():
    class Wide(Own):
        def next(self):
            batch = super().next()
            wide = np.zeros((2, 1000, 3), np.float32)
            wide[:, 0, :2] = batch.data[0].asnumpy()
            batch.data = [mx.nd.array(wide)]
            return batch

    data = Wide([[0, 1], [2, 0]])
    data.provide_data = [mx.io.DataDesc("data", (2, 1000, 3))]
    symbol = mx.sym.sum(mx.sym.Variable("data"), axis=(1, 2), name="value")
    network = df.Network(symbol=symbol, routes={"value": df.Route(["value"], (), ["loss"])})
    network.set_params({})
    with pytest.raises(DataError, match="index 0 came twice"):
        df.score(network, data)
