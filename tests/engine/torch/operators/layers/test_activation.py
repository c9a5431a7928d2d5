"""Activations equal MXNet's, with their gradients."""

import numpy as np
import pytest

from densefit.backend import mx
from densefit.errors import EngineError
from densefit.model.symbol_graph import SymbolGraph
from tests.engine.torch.compare import by_torch, check, same

X = mx.sym.Variable("x")
NUMBERS = np.array([[-30, -2, -0.5, -0.0, 0.0, 0.5, 2, 19.5, 30]], np.float32)


@pytest.mark.parametrize("kind", ["relu", "sigmoid", "tanh", "softrelu", "softsign"])
def test_activation(kind):
    same(mx.sym.Activation(X, act_type=kind), {"x": NUMBERS}, 1e-6)


@pytest.mark.parametrize("kind", ["leaky", "elu", "gelu"])
def test_leaky(kind):
    same(mx.sym.LeakyReLU(X, act_type=kind, slope=0.3), {"x": NUMBERS}, 1e-6)


def test_selu():
    """MXNet's gradient below 0 lacks a factor: scale * (alpha + y) for y + scale * alpha."""
    symbol = mx.sym.LeakyReLU(X, act_type="selu")
    same(symbol, {"x": NUMBERS}, 1e-6, gradients=False)
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    slopes = np.where(NUMBERS > 0, scale, scale * alpha * np.exp(NUMBERS))
    result = by_torch(symbol, {"x": NUMBERS}, [np.ones_like(NUMBERS)])
    np.testing.assert_allclose(result.gradients["x"], slopes, 1e-5)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (4, 3)])
def test_learned_slopes(shape):
    check(mx.sym.LeakyReLU(X, act_type="prelu"), 2e-6, x=shape)


def test_one_learned_slope():
    layer = mx.sym.LeakyReLU(X, mx.sym.Variable("g", shape=(1,)), act_type="prelu")
    check(layer, 2e-6, x=(2, 3, 4))


def test_random_slopes():
    """A slope for each element within the bounds in training, else their mean."""
    layer = mx.sym.LeakyReLU(X, act_type="rrelu", lower_bound=0.2, upper_bound=0.4)
    same(layer[0], {"x": NUMBERS}, 1e-6, gradients=False, training=False)
    x = np.full((100, 10), -1, np.float32)
    result = by_torch(layer[0], {"x": x}, [np.ones_like(x)])
    slopes = -result.outputs[0]
    assert 0.199 < slopes.min() < 0.21
    assert 0.39 < slopes.max() < 0.401
    assert np.array_equal(result.gradients["x"], slopes)


def test_an_unknown_kind_names_the_node():
    from densefit.engine.torch.program import Program

    graph = SymbolGraph.of(mx.sym.Activation(X, act_type="relu", name="act"))
    graph.nodes[-1].attrs = {"act_type": "swishy"}
    with pytest.raises(EngineError, match="(?s)act_type='swishy'.*node 'act'"):
        Program(graph)
