"""BatchNorm's moving statistics are written behind the engine's back; ours are read in time."""

import numpy as np

import densefit as df
from densefit.backend import mx
from densefit.callbacks import Callback

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


def copied(arrays):
    return {name: array.asnumpy().copy() for name, array in arrays.items()}


class Reads(Callback):
    """Takes the statistics after every update, and once more when all is computed."""

    def __init__(self):
        self.early = []

    def update_ended(self, state, control):
        first = copied(state.network.get_params()[1])
        mx.nd.waitall()
        learner = state.network._pull.__self__
        learner._train._params_dirty = True
        second = copied(learner._train.get_params()[1])
        self.early += [name for name in first if (first[name] != second[name]).any()]


def test_ours_are_those_of_the_update():
    """With Module alone, up to nine in ten updates of this network are read too early."""
    reads = Reads()
    routes = {"age": df.Route(outputs=["age"], labels=["age_label"], metrics=["mae"])}
    df.fit(
        deep_symbol(),
        iterator(),
        heads=routes,
        epochs=1,
        optimizer_params={"learning_rate": 1e-4},
        callbacks=[reads],
    )
    assert reads.early == []
