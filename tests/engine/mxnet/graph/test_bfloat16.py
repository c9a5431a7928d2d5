"""Training in bfloat16."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.engine.mxnet.graph.bfloat16 import bfloat16_works, in_bfloat16
from densefit.errors import ConfigError
from densefit.model.symbol_graph import SymbolGraph

has_bfloat16 = pytest.mark.skipif(
    not bfloat16_works(), reason="MXNet has no bfloat16 on this processor (it needs AVX-512)"
)


def halved(symbol):
    return in_bfloat16(SymbolGraph.of(symbol)).symbol


def rounded(array):
    """float32 to the nearest bfloat16, ties to even, as float32."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return bits.astype(np.uint32).view(np.float32)


@has_bfloat16
def test_a_dense_layer_computes_with_rounded_inputs_and_sums_in_float32():
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, no_bias=True, name="fc")
    symbol = halved(mx.sym.Group([x, mx.sym.MakeLoss(mx.sym.sum(x * x, axis=1), name="l")]))
    rng = np.random.default_rng(0)
    data, weight = (rng.normal(size=shape).astype(np.float32) for shape in ((5, 64), (3, 64)))
    executor = symbol.simple_bind(mx.cpu(), data=(5, 64))
    executor.arg_dict["data"][:], executor.arg_dict["fc_weight"][:] = data, weight
    out = executor.forward(is_train=True)[0].asnumpy()
    expected = rounded(data) @ rounded(weight).T
    np.testing.assert_allclose(out, expected, rtol=1e-2, atol=1e-2)  # the result is rounded, too
    assert (out == rounded(expected)).mean() > 0.8
    assert np.abs(out - data @ weight.T).max() > 1e-4  # and it is not float32
    executor.backward([mx.nd.zeros((5, 3)), mx.nd.ones((5,))])
    gradient = executor.grad_dict["fc_weight"]
    assert gradient.dtype == np.float32
    exact = 2 * expected.T @ data
    assert np.abs(gradient.asnumpy() - exact).max() < 0.03 * np.abs(exact).max()


def train(precision, **settings):
    data = df.dataset("shapes", length=32, size=(32, 32))
    heads = [
        df.head("classification", classes=data.label_classes),
        df.head("segmentation", classes=data.mask_classes, decoder="fcn", channels=8),
    ]
    network = df.Network("resnet18", heads, settings={"width": 8})
    history = df.fit(
        network, df.Loader(data, batch_size=8, heads=heads, shuffle=True), epochs=4,
        schedule=df.Constant(0.05), precision=precision, seed=1, **settings,
    )  # fmt: skip
    return network, history, df.score(network, df.Loader(data, batch_size=8))


@has_bfloat16
def test_it_learns_what_float32_learns(tiny, tmp_path):
    whole, expected, _ = train("float32")
    half, found, scores = train("bfloat16", checkpoint=tmp_path)
    key = "segmentation/loss"
    first, last = (expected.epochs[k]["train"][key] for k in (0, -1))
    assert found.epochs[0]["train"][key] == pytest.approx(first, rel=0.15)
    assert found.epochs[-1]["train"][key] < first - 0.5 * (first - last)
    assert all(value.dtype == np.float32 for value in tiny.values(half).values())
    differences = [np.abs(a - b).max() for a, b in zip(tiny.values(whole).values(),
                                                       tiny.values(half).values())]  # fmt: skip
    assert max(differences) > 0
    # What is scored is the float32 network: a new process has the same numbers.
    again = df.load(tmp_path)
    data = df.dataset("shapes", length=32, size=(32, 32))
    assert df.score(again, df.Loader(data, batch_size=8)) == scores


@has_bfloat16
def test_resumed_it_is_the_same_training(tiny, tmp_path):
    settings = {"optimizer_params": {"momentum": 0.9}}
    straight, _, _ = train("bfloat16", **settings)
    train("bfloat16", checkpoint=tmp_path, callbacks=[Stop(7)], **settings)
    resumed, _, _ = train("bfloat16", checkpoint=tmp_path, resume="auto", **settings)
    tiny.assert_equal(straight, resumed)


class Stop(df.Callback):
    def __init__(self, at):
        self.at = at

    def update_ended(self, state, control):
        if state.update == self.at:
            control.stop("enough")


def test_what_there_is_not(tiny):
    wrong = (("float16", "(?s)Unknown precision.*no float16"), ("half", "bfloat16"))
    for precision, told in wrong:
        with pytest.raises(ConfigError, match=told):
            df.fit(
                tiny.kind(), tiny.iterator(4, 4, ["kind_label"]), heads=tiny.kind_route(),
                epochs=1, precision=precision,
            )  # fmt: skip


def test_without_it_that_is_told(tiny, monkeypatch):
    monkeypatch.setattr("densefit.engine.mxnet.graph.bfloat16.bfloat16_works", lambda: False)
    with pytest.raises(ConfigError, match="(?s)cannot compute with bfloat16.*float32"):
        df.fit(
            tiny.kind(), tiny.iterator(4, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
            precision="bfloat16",
        )  # fmt: skip


@has_bfloat16
def test_a_symbol_of_a_user_s_trains_in_it(tiny):
    found = {}
    for precision in ("float32", "bfloat16"):
        network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
        mx.random.seed(2)
        history = df.fit(
            network, tiny.iterator(24, 8), epochs=20, schedule=df.Constant(0.1),
            precision=precision, initializer=mx.init.Xavier(),
        )  # fmt: skip
        found[precision] = history.epochs[-1]["train"]["size/mae"]
        assert network.symbol.list_outputs() == tiny.two_heads().list_outputs()
    assert found["bfloat16"] == pytest.approx(found["float32"], rel=0.3)
