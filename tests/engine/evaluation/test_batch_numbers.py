"""Outputs of one number for a batch: means over samples are scored, others are refused."""

import numpy as np
import pytest

import densefit as df
from densefit.engine.evaluation.batch_numbers import BatchNumbers
from densefit.errors import DataError
from densefit.symbol import sym
from tests.rows import iterator_of_arrays

RNG = np.random.default_rng(0)
X = RNG.normal(size=(22, 6)).astype(np.float32)
VALID = (RNG.random((22, 6)) < 0.5).astype(np.float32)
COUNTS = [22, 11, 4, 3, 1]


def values():
    return sym.square(sym.Variable("data"))


def valid_mean():
    valid = sym.Variable("valid")
    return sym.broadcast_div(sym.sum(values() * valid), sym.sum(valid))


def product(x):
    return sym.mean(x) * sym.mean(sym.sqrt(x))


def share(x):
    return sym.mean(sym.broadcast_div(x, sym.sum(x)))


def pairs(x):
    return sym.mean(sym.dot(x, x, transpose_b=True))


MEANS = {
    "mean by axes": lambda: sym.sum(sym.mean(values(), axis=0)) / 6 - 0.5,
    "weighed": lambda: sym.mean(sym.broadcast_mul(values(), sym.Variable("valid"))),
    "mean and constant": lambda: sym.broadcast_mul(
        sym.mean(values()) - sym.sum(sym.ones((2, 2))), 2 * sym.ones((1,))
    ),
    "mean": lambda: sym.mean(values()),
    "mean of sums": lambda: 3 * sym.mean(sym.sum(values(), axis=1)) + 1,
}
OTHERS = {
    "product": lambda: product(values()),
    "share": lambda: share(values()),
    "pairs": lambda: pairs(values()),
    "sum": lambda: sym.sum(values()),
    "root": lambda: sym.sqrt(sym.mean(values())),
    "valid": valid_mean,
    "largest": lambda: sym.max(values()),
}

SAID = {
    "product": "(elemwise_mul) of a mean is no mean",
    "share": "(sum) takes all samples together",
    "pairs": "(dot) sets samples against each other",
    "sum": "(sum) takes all samples together",
    "root": "(sqrt) of a mean is no mean",
    "valid": "(sum) takes all samples together",
    "largest": "(max) takes all samples together",
}


def network(number):
    symbol = sym.MakeLoss(sym.reshape(number, shape=(1,)), name="loss")
    made = df.Network(symbol=symbol, routes={"loss": df.Route(["loss"], (), ["loss"], rows=0)})
    made.set_params({})
    return made


def data(made, size):
    inputs = {name: {"data": X, "valid": VALID}[name] for name in made.symbol.list_inputs()}
    return iterator_of_arrays(inputs, batch_size=size)


@pytest.mark.parametrize("number", MEANS)
def test_a_mean_over_samples_is_that_of_the_dataset(number, caplog):
    made = network(MEANS[number]())
    scores = [df.score(made, data(made, size))["loss/loss"] for size in COUNTS]
    expected = {
        "mean": np.mean(X**2),
        "mean of sums": 3 * np.mean((X**2).sum(axis=1)) + 1,
        "mean by axes": np.mean(X**2) - 0.5,
        "weighed": np.mean(X**2 * VALID),
        "mean and constant": 2 * np.mean(X**2) - 8,
    }[number]
    assert scores == pytest.approx([expected] * len(COUNTS), rel=1e-5)
    assert not caplog.text


@pytest.mark.parametrize("size", COUNTS)
@pytest.mark.parametrize("number", OTHERS)
def test_another_number_is_refused(number, size):
    made = network(OTHERS[number]())
    with pytest.raises(DataError, match="not known to be a mean") as raised:
        df.score(made, data(made, size))
    assert "head loss" in str(raised.value)
    assert SAID[number] in raised.value.received
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
    weight = sym.Variable("weight", shape=(1, 1))
    symbol = sym.MakeLoss(sym.mean(sym.broadcast_mul(values(), weight)), name="loss")
    routes = {"loss": df.Route(["loss"], (), ["loss"])}
    train, validation = (iterator_of_arrays(X[:20], batch_size=4) for _ in range(2))
    df.fit(symbol, train, validation=validation, epochs=2, heads=routes)
    assert seen == [4, 2, 2] * 4


def test_a_training_goes_on(caplog):
    weight = sym.Variable("weight", shape=(1, 1))
    symbol = sym.MakeLoss(sym.sum(sym.broadcast_mul(values(), weight)), name="loss")
    routes = {"loss": df.Route(["loss"], (), ["loss"])}
    train, validation = (iterator_of_arrays(X, batch_size=11) for _ in range(2))
    df.fit(symbol, train, validation=validation, epochs=2, heads=routes)
    assert caplog.text.count("not known to be a mean") == 1


@pytest.mark.parametrize("size", [2, 4, 16, 8, 32, 5, 1])
def test_rows_whose_first_half_has_all_labels_do_not_hide_a_mean_over_labelled_elements(size):
    rows = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
    rows[16:, 1:] = -5
    x = sym.Variable("data") * 1.0
    valid = x > -5
    loss = sym.broadcast_div(sym.sum(sym.square(x) * valid), sym.sum(valid))
    symbol = sym.MakeLoss(loss, name="loss")
    routes = {"loss": df.Route(["loss"], metrics=["loss"], rows=0 if size > 2 else None)}
    with pytest.raises(DataError, match="not known to be a mean"):
        df.score(symbol, iterator_of_arrays(rows, batch_size=size), routes, arg_params={})


def test_a_root_is_no_mean_where_halves_are_alike():
    symbol = sym.MakeLoss(sym.sqrt(sym.mean(values())), name="loss")
    routes = {"loss": df.Route(["loss"], metrics=["loss"], rows=0)}
    data = iterator_of_arrays(np.ones((12, 6), np.float32), batch_size=12)
    with pytest.raises(DataError, match="sqrt"):
        df.score(symbol, data, routes, arg_params={})


@pytest.mark.parametrize("size", [22, 4, 3])
def test_operators_that_keep_the_rows_are_found_by_halves(size):
    rows = values()
    made = network(sym.mean(rows * sym.softmax(rows, axis=0)))
    with pytest.raises(DataError, match="not known to be a mean") as raised:
        df.score(made, data(made, size))
    assert f"for a batch of {size}" in raised.value.received


def test_a_symbol_for_one_number_of_rows_is_refused():
    rows = sym.reshape(values(), shape=(11, 6))
    made = network(sym.mean(rows))
    with pytest.raises(DataError, match="fixed number of rows|takes exactly 11 rows"):
        df.score(made, data(made, 11))


def test_rows_of_batches_of_one_sample_are_no_numbers():
    symbol = sym.MakeLoss(sym.sqrt(sym.sum(values(), axis=1)), name="loss")
    routes = {"loss": df.Route(["loss"], metrics=["loss"])}
    scores = [
        df.score(symbol, iterator_of_arrays(X, batch_size=size), routes, arg_params={})["loss/loss"]
        for size in (1, 11)
    ]
    assert scores == pytest.approx([np.sqrt((X**2).sum(axis=1)).mean()] * 2, rel=1e-5)


def test_a_networks_loss_by_mean_is_scored():
    x = sym.Convolution(sym.Variable("data"), num_filter=4, kernel=(3, 3), name="conv")
    x = sym.Activation(sym.BatchNorm(x, name="bn"), act_type="relu")
    bias = sym.Variable("bias", shape=(3,))
    x = sym.FullyConnected(sym.Flatten(x), bias=bias, num_hidden=3, name="fc")
    x = -sym.pick(sym.log_softmax(x), sym.Variable("label"), axis=1)
    symbol = sym.MakeLoss(sym.mean(x) + 0.1 * sym.sum(bias))
    rng = np.random.default_rng(0)
    images = rng.normal(size=(12, 3, 8, 8)).astype(np.float32)

    def data(size):
        return iterator_of_arrays(images, {"label": np.arange(12) % 3}, size)

    name = symbol.list_outputs()[0]
    routes = {"loss": df.Route([name], metrics=["loss"])}
    run = df.fit(symbol, data(4), validation=data(4), epochs=1, heads=routes)
    scores = [df.score(run.network, data(size)) for size in (1, 4, 12)]
    assert [one["loss/loss"] for one in scores] == pytest.approx(
        [scores[0]["loss/loss"]] * 3, rel=1e-5
    )
