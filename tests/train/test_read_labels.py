"""Outputs that are computed from labels: in a score as in training, from the iterator's labels."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import BindError
from densefit.symbol import sym
from tests.executor import engine_array
from tests.rows import iterator_of_arrays


def reading():
    """square(0 * out + label): the loss is the label's square, whatever the weights."""
    out = sym.FullyConnected(sym.Variable("data"), num_hidden=1, name="fc")
    label = sym.Variable("label")
    loss = sym.square(0 * sym.reshape(out, shape=(-1,)) + label)
    return sym.Group([sym.BlockGrad(out, name="out"), sym.make_loss(loss, name="loss")])


def iterator(labels=True, batch_size=8, length=20):
    given = {"label": np.arange(length, dtype=np.float32)} if labels else None
    return iterator_of_arrays(np.ones((length, 3), np.float32), given, batch_size)


def typed(array, kind):
    """An array of the engine, whose iterators would make float32 of numpy's."""
    return engine_array(array.astype(kind)) if df.interop.is_installed else array.astype(kind)


HEADS = {"loss": df.Route(["loss_loss"], (), ["loss"])}


@pytest.mark.parametrize("batch_size", [1, 8, 20])
def test_what_an_output_reads_is_fed_in_validation_too(batch_size):
    history = df.fit(
        reading(), iterator(batch_size=batch_size), heads=HEADS, epochs=1,
        validation=iterator(batch_size=batch_size), optimizer_params={"learning_rate": 0.0},
    )  # fmt: skip
    assert history.epochs[0]["train"]["loss/loss"] == pytest.approx(123.5)
    assert history.last_validation == {"loss/loss": pytest.approx(123.5)}
    assert df.score(history.network, iterator(batch_size=8)) == {"loss/loss": pytest.approx(123.5)}


def test_a_label_that_is_read_and_lacks_is_an_error():
    """Zeros in its place would be scored as 0.0."""
    network = df.fit(reading(), iterator(), heads=HEADS, epochs=1).network
    with pytest.raises(BindError, match=r"(?s)nor do the scoring data provide them.*\['label'\]"):
        df.score(network, iterator(labels=False))
    # What does not read it can be had without.
    heads = {"out": df.Route(["out"], (), ["loss"])}
    assert "out/loss" in df.score(network, iterator(labels=False), heads=heads)


def weighed():
    """A loss times a weight of each sample, which comes as a second input."""
    x = sym.FullyConnected(sym.Variable("data"), num_hidden=1, name="fc")
    loss = sym.square(x - sym.Variable("label")) * sym.Variable("weight")
    return sym.MakeLoss(sym.sum(loss, axis=1), name="loss")


def test_several_inputs_and_labels_of_another_type():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 3)), rng.integers(0, 9, (10, 1))
    weight = rng.random((10, 1))
    data = iterator_of_arrays({"data": x, "weight": weight}, {"label": typed(y, "int32")}, 4)
    heads = {"loss": df.Route(["loss"], (), ["loss"])}
    network = df.fit(weighed(), data, heads=heads, epochs=1).network
    w, b = (network.parameters[f"fc_{kind}"] for kind in ("weight", "bias"))
    expected = (((x @ w.T + b - y) ** 2) * weight).sum(axis=1).mean()
    assert df.score(network, data) == {"loss/loss": pytest.approx(expected, rel=1e-5)}


@pytest.mark.parametrize("kind", ["int32", "int64", "float64", "uint8", "float16"])
@pytest.mark.parametrize("column", [False, True])
def test_labels_of_any_type_and_as_a_column(kind, column, tiny):
    x, y, _ = tiny.arrays(10)
    label = typed(y.reshape(-1, 1) if column else y, kind)
    route = {"kind": df.Route(["kind"], ["kind_label"], ["accuracy", "ce"])}
    found = []
    for labels in (label, typed(y, "float32")):
        data = iterator_of_arrays({"data": x}, {"kind_label": labels}, 4)
        network = df.Network(symbol=tiny.kind(), routes=route)
        history = df.fit(network, data, epochs=2, validation=None)
        found.append((history.epochs[-1]["train"], df.score(network, data)))
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ["int32", "float64", "uint8", "float16"])
def test_data_of_any_type(kind, tiny):
    x, y, _ = tiny.arrays(10)
    x = (x * 40 + 100).clip(0, 200).round()
    data = iterator_of_arrays({"data": typed(x, kind)}, {"kind_label": y}, 4)
    same = iterator_of_arrays({"data": x.astype("float32")}, {"kind_label": y}, 4)
    scores = []
    for own in (data, same):
        network = df.Network(symbol=tiny.kind(), routes=tiny.kind_route())
        settings = {"optimizer_params": {"learning_rate": 1e-4}, "epochs": 2}
        df.fit(network, own, **settings)
        scores.append(df.score(network, own))
    assert scores[0] == scores[1]


def picked(tiny):
    scores = sym.FullyConnected(sym.Variable("data"), num_hidden=3, name="kind_fc")
    chosen = sym.pick(sym.log_softmax(scores), sym.Variable("kind_label"))
    return sym.MakeLoss(-chosen, name="loss")


@pytest.mark.parametrize("kind", ["float32", "int32", "int64"])
def test_pick_by_an_integer_label(kind, tiny):
    x, y, _ = tiny.arrays(10)
    data = iterator_of_arrays({"data": x}, {"kind_label": typed(y, kind)}, 4)
    heads = {"loss": df.Route(["loss"], (), ["loss"])}
    history = df.fit(picked(tiny), data, heads=heads, epochs=1)
    w, b = (history.network.parameters[f"kind_fc_{n}"] for n in ("weight", "bias"))
    z = x @ w.T + b
    z = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    expected = -z[np.arange(10), y.astype(int)].mean()
    assert df.score(history.network, data) == {"loss/loss": pytest.approx(expected, rel=1e-5)}
