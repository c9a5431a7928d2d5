"""Loss layers equal MXNet's: outputs, and gradients whatever reaches them."""

import numpy as np
import pytest

from densefit.backend import mx
from tests.engine.torch.compare import same

X, L = mx.sym.Variable("x"), mx.sym.Variable("l")


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("normalization", ["null", "batch", "valid"])
@pytest.mark.parametrize("scale", [1.0, 0.3])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 9.0])
def test_make_loss(normalization, scale, threshold):
    symbol = mx.sym.MakeLoss(
        X, normalization=normalization, grad_scale=scale, valid_thresh=threshold
    )
    same(symbol, {"x": random(4, 3)}, 1e-6)


def test_plain_make_loss():
    same(mx.sym.make_loss(X), {"x": random(4, 3)}, 0)
    same(mx.sym.make_loss(mx.sym.sum(mx.sym.square(X), axis=1)), {"x": random(4, 3)}, 1e-6)


@pytest.mark.parametrize("name", ["Linear", "Logistic", "MAE"])
@pytest.mark.parametrize("shapes", [
    ((4, 3), (4, 3)), ((4, 1), (4,)), ((4, 1), (4, 1)), ((4, 6), (4, 2, 3)), ((4,), (4,)),
    ((2, 3, 4, 5), (2, 3, 4, 5)),
])  # fmt: skip
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_regression(name, shapes, scale):
    layer = getattr(mx.sym, f"{name}RegressionOutput")
    values = {"x": random(*shapes[0]), "l": random(*shapes[1], seed=1)}
    values["l"].ravel()[0] = values["x"].ravel()[0]
    same(layer(X, L, grad_scale=scale), values, 1e-6)


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("margin", [1.0, 0.3])
@pytest.mark.parametrize("coefficient", [1.0, 0.2])
def test_svm(linear, margin, coefficient):
    symbol = mx.sym.SVMOutput(
        X, L, use_linear=linear, margin=margin, regularization_coefficient=coefficient
    )
    same(symbol, {"x": random(5, 4), "l": np.array([0, 3, 1, 2, 0], np.float32)}, 1e-6)


def test_cross_entropy():
    values = {"x": random(5, 4), "l": np.array([0, 3, 1, 2, 0], np.float32)}
    same(mx.sym.softmax_cross_entropy(X, mx.sym.BlockGrad(L)), values, 1e-6)


def test_block_grad():
    same(mx.sym.BlockGrad(X) * X, {"x": random(5, 4)}, 1e-6)


def test_sparse_penalty():
    symbol = mx.sym.IdentityAttachKLSparseReg(mx.sym.sigmoid(X), name="s", penalty=0.1)
    values = {"x": random(4, 6), "s_moving_avg": np.full(6, 0.4, np.float32)}
    same(symbol, values, 1e-5)


def test_losses_through_a_graph():
    """A loss layer's output may be read by others, which change its gradient by nothing."""
    loss = mx.sym.MakeLoss(mx.sym.square(X))
    symbol = mx.sym.Group([loss * 3, mx.sym.LinearRegressionOutput(X * 2, L), mx.sym.sum(X)])
    same(symbol, {"x": random(4, 3), "l": random(4, 3, seed=1)}, 1e-6)
