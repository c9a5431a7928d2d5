"""Graphs that cast their data to float64 or float16: their layers follow it, as in MXNet."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx

pytestmark = pytest.mark.mxnet


def casting(dtype):
    data = mx.sym.Cast(mx.sym.Variable("data"), dtype=dtype)
    x = mx.sym.Convolution(data, num_filter=4, kernel=(3, 3), name="conv")
    x = mx.sym.BatchNorm(x, fix_gamma=False, name="bn")
    x = mx.sym.Activation(x, act_type="softrelu")
    x = mx.sym.FullyConnected(x, num_hidden=3, name="fc")
    x = mx.sym.Cast(x, dtype="float32") if dtype == "float16" else x
    return mx.sym.SoftmaxOutput(x, name="softmax")


def trained(symbol, engine):
    rng = np.random.default_rng(0)
    images = rng.random((16, 2, 8, 8), np.float32)
    network = df.Network(symbol=symbol)
    batches = mx.io.NDArrayIter(images, np.arange(16) % 3, 4)
    weights = {
        "conv_weight": mx.nd.array(rng.normal(size=(4, 2, 3, 3))),
        "fc_weight": mx.nd.array(rng.normal(size=(3, 144)) / 12),
    }
    df.fit(
        network, batches, epochs=2, engine=engine, progress=False, arg_params=weights,
        allow_missing=True, optimizer_params={"learning_rate": 0.1},
    )  # fmt: skip
    return network, df.score(network, batches, engine=engine)


def test_float64_trains_alike_on_both_engines():
    here, score = trained(casting("float64"), "torch")
    there, expected = trained(casting("float64"), "mxnet")
    assert score == expected
    for name, value in {**there.parameters, **there.statistics}.items():
        found = {**here.parameters, **here.statistics}[name]
        np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-6, err_msg=name)


def test_float16_trains_as_float32_to_its_precision():
    """MXNet computes it on no CPU."""
    half, _ = trained(casting("float16"), "torch")
    whole, _ = trained(casting("float32"), "torch")
    for name, value in whole.parameters.items():
        assert half.parameters[name].dtype == np.float32
        np.testing.assert_allclose(half.parameters[name], value, atol=5e-3, err_msg=name)
