"""BatchNorm's moving statistics are written behind the engine's back; ours are read in time."""

import numpy as np

import densefit as df
from densefit.backend import mx
from densefit.callbacks import Callback
from densefit.engine.mxnet.parameters import ParameterStore

UPDATES = 25


def deep_symbol():
    """Long enough a backward pass that it still runs when an update has been asked for."""
    data = mx.sym.Variable("data")
    for layer in range(7):
        data = mx.sym.Convolution(
            data, num_filter=8, kernel=(3, 3), pad=(1, 1), no_bias=True, name=f"conv{layer}"
        )
        data = mx.sym.BatchNorm(data, fix_gamma=False, name=f"bn{layer}")
        data = mx.sym.Activation(data, act_type="relu")
    pooled = mx.sym.mean(data, axis=(2, 3))
    score = mx.sym.FullyConnected(pooled, num_hidden=1, name="fc")
    return mx.sym.LinearRegressionOutput(score, name="age")


def iterator():
    rng = np.random.default_rng(0)
    pictures = rng.normal(size=(8 * UPDATES, 3, 48, 48)).astype(np.float32)
    pictures *= np.repeat(1 + np.arange(UPDATES) % 3, 8)[:, None, None, None]
    ages = rng.random((len(pictures), 1)).astype(np.float32)
    return mx.io.NDArrayIter(pictures, {"age_label": ages}, batch_size=8)


class Reads(Callback):
    """Takes the statistics after every update, and once more when all is computed."""

    def __init__(self, stores):
        self.stores, self.early, self.compared = stores, [], 0

    def update_ended(self, state, control):
        first = dict(state.network.statistics)
        mx.nd.waitall()
        second = self.stores[0].on_device()
        self.compared += len(first)
        self.early += [n for n in first if (first[n] != second[f"aux:{n}"].asnumpy()).any()]


def test_ours_are_those_of_the_update(monkeypatch):
    """With Module alone, up to nine in ten updates of this network are read too early."""
    stores = []

    class Watched(ParameterStore):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            stores.append(self)

    monkeypatch.setattr("densefit.engine.mxnet.learner.ParameterStore", Watched)
    reads = Reads(stores)
    routes = {"age": df.Route(outputs=["age"], labels=["age_label"], metrics=["mae"])}
    df.fit(
        deep_symbol(),
        iterator(),
        heads=routes,
        epochs=1,
        optimizer_params={"learning_rate": 1e-4},
        callbacks=[reads],
    )
    assert reads.compared
    assert reads.early == []
