"""Outputs of one number for a batch: means over samples are scored, others are refused."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import DataError
from densefit.train.batch_numbers import BatchNumbers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(22, 6)).astype(np.float32)
VALID = (RNG.random((22, 6)) < 0.5).astype(np.float32)
COUNTS = [22, 11, 4, 3]


def values():
    return mx.sym.square(mx.sym.Variable("data"))


def valid_mean():
    valid = mx.sym.Variable("valid")
    return mx.sym.broadcast_div(mx.sym.sum(values() * valid), mx.sym.sum(valid))


MEANS = {
    "mean": lambda: mx.sym.mean(values()),
    "mean of sums": lambda: 3 * mx.sym.mean(mx.sym.sum(values(), axis=1)) + 1,
}
OTHERS = {
    "sum": lambda: mx.sym.sum(values()),
    "root": lambda: mx.sym.sqrt(mx.sym.mean(values())),
    "valid": valid_mean,
    "largest": lambda: mx.sym.max(values()),
}


def network(number):
    symbol = mx.sym.MakeLoss(mx.sym.reshape(number, shape=(1,)), name="loss")
    made = df.Network(symbol=symbol, routes={"loss": df.Route(["loss"], (), ["loss"], rows=0)})
    made.set_params({})
    return made


def data(made, size):
    inputs = {name: {"data": X, "valid": VALID}[name] for name in made.symbol.list_inputs()}
    return mx.io.NDArrayIter(inputs, batch_size=size)


@pytest.mark.parametrize("number", MEANS)
def test_a_mean_over_samples_is_that_of_the_dataset(number, caplog):
    made = network(MEANS[number]())
    scores = [df.score(made, data(made, size))["loss/loss"] for size in COUNTS]
    expected = {"mean": np.mean(X**2), "mean of sums": 3 * np.mean((X**2).sum(axis=1)) + 1}[number]
    assert scores == pytest.approx([expected] * len(COUNTS), rel=1e-5)
    assert not caplog.text


@pytest.mark.parametrize("size", COUNTS)
@pytest.mark.parametrize("number", OTHERS)
def test_another_number_is_refused(number, size):
    made = network(OTHERS[number]())
    with pytest.raises(DataError, match="no mean over its samples") as raised:
        df.score(made, data(made, size))
    assert "head loss" in str(raised.value)
    assert f"for a batch of {size}" in str(raised.value)
    assert "a number for each sample" in raised.value.fix


def test_predictions_are_as_the_symbol_gives_them():
    made = network(OTHERS["sum"]())
    assert df.predict(made, data(made, 11))["loss_output"].shape == (2,)


def test_the_first_batches_of_the_first_pass_are_compared(monkeypatch):
    seen = []
    numbers = BatchNumbers._numbers
    monkeypatch.setattr(
        BatchNumbers, "_numbers", lambda *given: seen.append(given[1].real) or numbers(*given)
    )
    weight = mx.sym.Variable("weight", shape=(1, 1))
    symbol = mx.sym.MakeLoss(mx.sym.mean(mx.sym.broadcast_mul(values(), weight)), name="loss")
    routes = {"loss": df.Route(["loss"], (), ["loss"])}
    train, validation = (mx.io.NDArrayIter(X[:20], batch_size=4) for _ in range(2))
    df.fit(symbol, train, validation=validation, epochs=2, heads=routes)
    assert seen == [4, 2, 2] * 4


def test_a_training_goes_on(caplog):
    weight = mx.sym.Variable("weight", shape=(1, 1))
    symbol = mx.sym.MakeLoss(mx.sym.sum(mx.sym.broadcast_mul(values(), weight)), name="loss")
    routes = {"loss": df.Route(["loss"], (), ["loss"])}
    train, validation = (mx.io.NDArrayIter(X, batch_size=11) for _ in range(2))
    df.fit(symbol, train, validation=validation, epochs=2, heads=routes)
    assert caplog.text.count("no mean over its samples") == 1
