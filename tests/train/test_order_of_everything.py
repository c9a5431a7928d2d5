"""The order of heads, labels, inputs, outputs and datasets changes nothing: all goes by name.

More of it: heads with partial labels in test_partial_labels.py, batches of mixtures in
tests/data/mixture/test_mixture.py.
"""

import itertools

import numpy as np
import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.symbol import sym
from densefit.train.balance import balancers
from tests.conftest import Brightness
from tests.rows import DataIter, arrays_of, iterator_of_arrays, own_batch

DATA = Shapes(8, size=(64, 64), empty=0.0)
HELD = Shapes(6, size=(64, 64), split="val", empty=0.0)
HEADS = {
    "detection": {"classes": 3, "strides": (8, 16), "channels": 8, "metric": "voc"},
    "segmentation": {"classes": 4, "decoder": "fcn", "channels": 8},
    "classification": {"classes": 4},
}
ORDERS = list(itertools.permutations(HEADS))


def assert_close(tiny, first, second):
    """Equal but for the order in which the heads' gradients are added up on the trunk."""
    first, second = tiny.values(first), tiny.values(second)
    assert first.keys() == second.keys()
    for name, value in first.items():
        scale = np.abs(value).max()
        np.testing.assert_allclose(value, second[name], rtol=1e-4, atol=1e-4 * scale, err_msg=name)


def trained(tiny, order, loaded=None):
    """(network, history) after two epochs of the three heads in this order."""
    made = {name: df.head(name, **HEADS[name]) for name in order}
    network = df.Network(tiny.Backbone(), list(made.values()))
    heads = [made[name] for name in loaded or order]
    history = df.fit(
        network,
        df.Loader(DATA, batch_size=4, heads=heads, shuffle=True, workers=0),
        validation=df.Loader(HELD, batch_size=4, workers=0),
        epochs=2,
        schedule=df.Constant(0.005),
        optimizer_params={"momentum": 0.9},
    )
    return network, history


@pytest.fixture(scope="module")
def first(tiny):
    return trained(tiny, ORDERS[0])


@pytest.mark.parametrize("order", ORDERS[1:], ids="-".join)
def test_heads(tiny, first, order):
    network, history = trained(tiny, order)
    assert_close(tiny, network, first[0])
    assert history.epochs[-1]["train"] == pytest.approx(first[1].epochs[-1]["train"], rel=1e-4)
    assert history.last_validation == pytest.approx(first[1].last_validation, nan_ok=True, abs=1e-4)
    scores = df.score(network, df.Loader(HELD, batch_size=4, workers=0), list(HEADS))
    assert scores == history.last_validation


def test_the_heads_of_the_loader_alone(tiny, first):
    network, history = trained(tiny, ORDERS[0], loaded=ORDERS[-1])
    tiny.assert_equal(network, first[0])
    assert history.epochs[-1]["train"] == first[1].epochs[-1]["train"]


#: What MXNet's engine cannot do by default.
SETTINGS = {"observed": {"at": "parameters", "every": 1}}
SYMMETRIC = [name for name in balancers.names() if name not in ("fixed", "scheduled")]


class Both(Brightness):
    """A head of two loss terms."""

    def train(self, features, labels):
        error = self._value(features) - labels["value"]
        return {"near": sym.square(error), "far": sym.abs(error)}


def balanced(tiny, places, balance):
    """The network after updates with factors of earlier losses, of epochs too."""
    heads = [Both("both", 0.5), Brightness("large", 3.0), Brightness("small", 0.1)]
    network = df.Network(tiny.Backbone(), [heads[place] for place in places])
    parts = 2 if balance in ("modo", "sdmgrad") else 1  # which compare micro-batches
    df.fit(
        network,
        tiny.loader(network, 8, batch_size=4 // parts),
        accumulate=parts,
        epochs=3 if balance == "dwa" else 1,
        schedule=df.Constant(0.05),
        balance=balancers.create(balance, **SETTINGS.get(balance, {})),
    )
    return network


@pytest.mark.parametrize("balance", SYMMETRIC)
def test_heads_whose_losses_are_balanced(tiny, balance):
    one, other = (balanced(tiny, places, balance) for places in ((0, 1, 2), (2, 0, 1)))
    assert_close(tiny, one, other)


class Permuted(DataIter):
    """Announces and yields the arrays of `inner` in another order."""

    def __init__(self, inner, labels=None, data=None):
        super().__init__(inner.batch_size)
        self.inner = inner
        self.label_order = labels or range(len(inner.provide_label))
        self.data_order = data or range(len(inner.provide_data))
        self.provide_label = [inner.provide_label[place] for place in self.label_order]
        self.provide_data = [inner.provide_data[place] for place in self.data_order]

    def reset(self):
        self.inner.reset()

    def next(self):
        batch = self.inner.next()
        data, labels, pad = arrays_of(batch)
        return own_batch(
            self,
            [data[place] for place in self.data_order],
            [labels[place] for place in self.label_order],
            pad,
        )


def symbol(tiny, outputs=(0, 1)):
    both = tiny.two_heads()
    return sym.Group([both[place] for place in outputs])


def routed(tiny, train, validation, outputs=(0, 1), routes=("kind", "size")):
    network = df.Network(
        symbol=symbol(tiny, outputs), routes={name: tiny.routes()[name] for name in routes}
    )
    history = df.fit(
        network, train, validation=validation, epochs=2, schedule=df.Constant(0.05),
        optimizer="adam",
    )  # fmt: skip
    return network, history


def test_labels_of_an_iterator(tiny):
    plain, history = routed(tiny, tiny.iterator(), tiny.iterator(7))
    for train, held in (((1, 0), (0, 1)), ((0, 1), (1, 0)), ((1, 0), (1, 0))):
        network, own = routed(
            tiny, Permuted(tiny.iterator(), train), Permuted(tiny.iterator(7), held)
        )
        tiny.assert_equal(plain, network)
        assert own.last_validation == history.last_validation
        assert own.epochs[-1]["train"] == history.epochs[-1]["train"]


def test_routes_and_outputs_of_a_symbol(tiny):
    plain, history = routed(tiny, tiny.iterator(), tiny.iterator(7))
    for outputs, routes in (
        ((1, 0), ("kind", "size")),
        ((0, 1), ("size", "kind")),
        ((1, 0), ("size", "kind")),
    ):
        network, own = routed(tiny, tiny.iterator(), tiny.iterator(7), outputs, routes)
        assert_close(tiny, plain, network)
        assert own.last_validation == pytest.approx(history.last_validation, rel=1e-4)
        assert own.epochs[-1]["train"] == pytest.approx(history.epochs[-1]["train"], rel=1e-4)


def test_inputs_of_a_symbol(tiny):
    """Two inputs of one shape, which would change places without a word."""
    x, kind, _ = tiny.arrays()
    features = [
        sym.FullyConnected(sym.Variable(name), num_hidden=4, name=f"{name}_fc")
        for name in ("left", "right")
    ]
    joined = sym.concat(*features, dim=1)

    def fit(order):
        data = iterator_of_arrays({"left": x, "right": x * 3 - 1}, {"kind_label": kind}, 4)
        network = df.Network(symbol=tiny.kind(trunk=joined), routes=tiny.kind_route())
        df.fit(network, Permuted(data, data=order), epochs=2, schedule=df.Constant(0.05))
        return network, df.score(network, Permuted(data, data=order[::-1]))

    one, other = fit((0, 1)), fit((1, 0))
    tiny.assert_equal(one[0], other[0])
    assert one[1] == other[1]


@pytest.mark.parametrize("batches", ["mixed", "in_turn", "at_random"])
def test_datasets_of_a_mixture(tiny, batches):
    parts = {"many": tiny.Pictures(9), "few": tiny.Pictures(3), "some": tiny.Pictures(5)}

    def fit(order):
        mixture = df.Mixture({name: parts[name] for name in order}, batches=batches)
        network = tiny.network()
        with df.Loader(mixture, batch_size=4, heads=network.heads, shuffle=True) as loader:
            df.fit(network, loader, epochs=2, schedule=df.Constant(0.05))
        held = {name: df.Loader(parts[name], batch_size=4) for name in order}
        return network, df.score(network, held)

    found = [fit(order) for order in itertools.permutations(parts)]
    for network, scores in found[1:]:
        tiny.assert_equal(network, found[0][0])
        assert scores == pytest.approx(found[0][1], rel=1e-6)
