"""Operators of one tensor equal MXNet's, with their gradients."""

import numpy as np
import pytest

from densefit.backend import mx
from tests.engine.torch.compare import by_mxnet, by_torch, same

X = mx.sym.Variable("x")
EDGES = np.array([-2.5, -1.5, -1.0, -0.5, -0.0, 0.0, 0.49999997, 0.5, 1.0, 1.5, 2.5], np.float32)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, 1e-30, -1e30], np.float32)

#: name -> range of the inputs.
RANGES = {
    **dict.fromkeys(("arccos", "arcsin", "arctanh", "erfinv"), (-0.9, 0.9)),
    **dict.fromkeys(("log", "log10", "log2", "sqrt", "rsqrt", "gammaln", "gamma"), (0.3, 4.0)),
    "log1p": (-0.5, 3.0),
    "arccosh": (1.1, 4.0),
    **dict.fromkeys(("cbrt", "rcbrt", "reciprocal"), (0.2, 3.0)),
    "tan": (-1.2, 1.2),
    **dict.fromkeys(
        "abs arcsinh arctan ceil cos cosh degrees erf exp expm1 fix floor negative radians "
        "relu rint round sigmoid sign sin sinh softsign square tanh trunc ones_like zeros_like "
        "identity BlockGrad logical_not".split(),
        (-3.0, 3.0),
    ),
}


@pytest.mark.parametrize("name", RANGES)
def test_functions(name):
    x = np.random.default_rng(0).uniform(*RANGES[name], size=(3, 7)).astype(np.float32)
    same(getattr(mx.sym, name)(X), {"x": x}, 2e-6)


@pytest.mark.parametrize(
    "name", ["abs", "ceil", "fix", "floor", "relu", "rint", "round", "sign", "trunc", "square"]
)
def test_edges(name):
    same(getattr(mx.sym, name)(X), {"x": EDGES}, 0)


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "relu", "sigmoid", "tanh", "abs"])
def test_numbers_that_are_not_finite(name):
    symbol = getattr(mx.sym, name)(X)
    same(symbol, {"x": SPECIAL}, 1e-6, gradients=False)


def test_negative_gamma():
    same(mx.sym.gamma(X), {"x": np.array([-0.5, -1.5, -2.3], np.float32)}, 1e-5, gradients=False)


@pytest.mark.parametrize("scalar", [1.0, 0.5, 3.0])
def test_smooth_l1(scalar):
    x = np.concatenate([EDGES, [1 / scalar**2, -1 / scalar**2, 4]]).astype(np.float32)
    same(mx.sym.smooth_l1(X, scalar=scalar), {"x": x}, 1e-6)


@pytest.mark.parametrize("alpha", [0.2, 0.5])
def test_hard_sigmoid(alpha):
    same(mx.sym.hard_sigmoid(X, alpha=alpha), {"x": EDGES}, 1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64", "float16", "float64"])
def test_cast(dtype):
    x = np.array([0.0, 2.7, -2.7, 100.4, 1.0], np.float32)
    symbol = mx.sym.cast(X, dtype=dtype)
    same(symbol, {"x": x}, 0, gradients=dtype.startswith("float"))
    back = mx.sym.cast(symbol, dtype="float32")
    same(back, {"x": x}, 0, gradients=dtype.startswith("float"))


def test_cast_to_bytes_wraps():
    x = np.array([300.0, -1.0, 255.9, -256.0], np.float32)
    same(mx.sym.cast(X, dtype="uint8"), {"x": x}, 0, gradients=False)


@pytest.mark.parametrize(
    "symbol",
    [
        mx.sym.contrib.gradientmultiplier(X, scalar=-2.0),
        mx.sym.contrib.div_sqrt_dim(X),
        mx.sym.contrib.quadratic(X, a=2, b=-1, c=3),
        mx.sym.contrib.round_ste(X),
        mx.sym.contrib.sign_ste(X),
    ],
)
def test_contributed(symbol):
    same(symbol, {"x": EDGES[None] + 0.1}, 1e-6)


def test_a_not_a_number_shows_behind_a_relu():
    """MXNet's Activation makes it 0, and a divergence is silent."""
    symbol = mx.sym.Activation(X, act_type="relu")
    x = {"x": np.array([np.nan, -1.0], np.float32)}
    assert by_mxnet(symbol, x).outputs[0][0] == 0
    assert np.isnan(by_torch(symbol, x).outputs[0][0])
