import json

import numpy as np
import pytest

from densefit.backend import mx
from densefit.engine.mxnet.graph.mean_to_pooling import with_poolings
from densefit.model.symbol_graph import SymbolGraph


def pool(symbol, shapes, types):
    return with_poolings(SymbolGraph.of(symbol), shapes, types).symbol


def operators(symbol):
    return [node["op"] for node in json.loads(symbol.tojson())["nodes"] if node["op"] != "null"]


def computed(symbol, x):
    executor = symbol.bind(mx.cpu(), {"x": mx.nd.array(x)}, grad_req="null")
    return [output.asnumpy() for output in executor.forward(is_train=False)]


@pytest.mark.parametrize("axis", [(2, 3), (-2, -1)])
def test_a_mean_over_the_map_becomes_a_pooling_with_the_same_numbers(axis):
    x = np.random.default_rng(0).normal(3, 2, (2, 5, 7, 9)).astype(np.float32)
    data = mx.sym.Variable("x")
    plain = mx.sym.Group([mx.sym.mean(data, axis=axis, keepdims=True, name="m") * 2, data + 1])
    pooled = pool(plain, {"x": x.shape}, {"x": np.float32})
    assert operators(pooled)[0] == "Pooling"
    assert pooled.list_outputs() == plain.list_outputs()
    for found, expected in zip(computed(pooled, x), computed(plain, x)):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"axis": (2, 3)},
        {"axis": (1, 3), "keepdims": True},
        {"axis": (0, 1), "keepdims": True, "exclude": True},
        {"keepdims": True},
    ],
)
def test_other_means_stay(settings):
    plain = mx.sym.mean(mx.sym.Variable("x"), **settings)
    assert pool(plain, {"x": (2, 3, 4, 5)}, {"x": np.float32}) is plain


@pytest.mark.parametrize(
    ("shape", "kind"), [((2, 3, 4, 5, 6), np.float32), ((2, 3, 4, 5), np.uint8)]
)
def test_means_of_what_is_no_map_of_floats_stay(shape, kind):
    plain = mx.sym.mean(mx.sym.Variable("x") + 1, axis=(2, 3), keepdims=True)
    assert pool(plain, {"x": shape}, {"x": kind}) is plain


def test_the_second_output_of_a_node_is_looked_at():
    first, second = mx.sym.split(mx.sym.Variable("x"), num_outputs=2, axis=1)
    plain = first + mx.sym.mean(second, axis=(2, 3), keepdims=True).broadcast_like(first)
    shape = (2, 6, 4, 5)
    pooled = pool(plain, {"x": shape}, {"x": np.float32})
    assert "Pooling" in operators(pooled)
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.testing.assert_allclose(computed(pooled, x), computed(plain, x), rtol=1e-5)
