"""SGD one parameter at a time: what MXNet's does, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.engine.mxnet.optimizers.sgd import SGD


@pytest.mark.parametrize(
    "settings",
    [
        {"momentum": 0.9, "wd": 1e-4},
        {"momentum": 0.9, "clip_gradient": 0.5},
        {"momentum": 0.0, "wd": 1e-4},
        {"momentum": 0.9, "multi_precision": True},
    ],
)
def test_it_equals_mxnets(settings):
    rng = np.random.default_rng(0)
    values = [rng.normal(size=shape) for shape in ((3, 4), (5,), (2, 2, 2), (7,), (1,))]
    found = []
    for kind in (SGD, mx.optimizer.SGD):
        names = {i: f"p{i}_weight" for i in range(len(values))}
        optimizer = kind(learning_rate=0.01, rescale_grad=1 / 24, param_idx2name=names, **settings)
        updater = mx.optimizer.get_updater(optimizer)
        weights = [mx.nd.array(value) for value in values]
        for step in range(3):
            gradients = [mx.nd.array(np.cos(value + step) * 30) for value in values]
            updater(list(names), gradients, weights)
        found.append([weight.asnumpy() for weight in weights])
    for one, other in zip(*found):
        np.testing.assert_array_equal(one, other)


def fitted(optimizer, **settings):
    data, label = np.random.default_rng(0).normal(size=(24, 6)), np.arange(24) % 3
    train = mx.io.NDArrayIter(data, label, 6, label_name="softmax_label")
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="dense")
    x = mx.sym.SoftmaxOutput(x, name="softmax")
    network = df.Network(symbol=x, routes={"a": df.Route(["softmax_output"], ["softmax_label"])})
    df.fit(
        network,
        train,
        epochs=3,
        optimizer=optimizer,
        optimizer_params={"momentum": 0.9, "wd": 0.1, "learning_rate": 0.1},
        groups={"dense_bias": {"lr": 2.0}},
        initializer=mx.init.One(),
        **settings,
    )
    return dict(network.parameters)


def test_fit_trains_with_it_as_with_mxnets(monkeypatch):
    found = fitted("sgd")
    monkeypatch.setattr("densefit.engine.mxnet.optimizers.start.SGD", mx.optimizer.SGD)
    expected = fitted("sgd")
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert not np.array_equal(found["dense_bias"], np.ones(3))
