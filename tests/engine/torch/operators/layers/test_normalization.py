"""Normalizations and softmaxes equal MXNet's, with their gradients."""

import numpy as np
import pytest

from densefit.backend import mx
from tests.engine.torch.compare import by_torch, check, same

X, N = mx.sym.Variable("x"), mx.sym.Variable("n")


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("all_outputs", [False, True])
def test_layer_norm(axis, all_outputs):
    layer = mx.sym.LayerNorm(X, axis=axis, eps=1e-3, output_mean_var=all_outputs)
    symbol = mx.sym.Group(list(layer)) if all_outputs else layer
    check(symbol, 1e-5, x=(2, 4, 5))


def test_instance_norm():
    check(mx.sym.InstanceNorm(X, eps=1e-2), 1e-5, x=(2, 3, 4, 5))
    check(mx.sym.InstanceNorm(X), 1e-5, x=(2, 3, 6))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm(groups):
    check(mx.sym.GroupNorm(X, num_groups=groups, eps=1e-3), 1e-5, x=(2, 4, 3, 3))


@pytest.mark.parametrize("mode", ["instance", "channel", "spatial"])
def test_l2(mode):
    check(mx.sym.L2Normalization(X, mode=mode), 2e-6, x=(2, 3, 4, 5))


@pytest.mark.parametrize("size", [1, 3, 5])
def test_local_response(size):
    check(mx.sym.LRN(X, nsize=size, alpha=0.1, beta=0.6, knorm=1.5), 1e-5, x=(2, 7, 3, 3))


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
@pytest.mark.parametrize("axis", [-1, 1, 0])
@pytest.mark.parametrize("temperature", [None, 2.5])
def test_softmax(name, axis, temperature):
    check(getattr(mx.sym, name)(X, axis=axis, temperature=temperature), 2e-6, x=(3, 4, 5))


@pytest.mark.parametrize("axis", [-1, 1])
def test_softmax_of_first_elements(axis):
    rng = np.random.default_rng(0)
    values = {
        "x": rng.normal(size=(2, 4, 5)).astype(np.float32),
        "n": rng.integers(1, 5, (2, 4) if axis == -1 else (2, 5)).astype(np.int32),
    }
    same(mx.sym.softmax(X, N, axis=axis, use_length=True), values, 2e-6)


@pytest.mark.parametrize("mode", ["instance", "channel"])
def test_softmax_activation(mode):
    check(
        mx.sym.SoftmaxActivation(X, mode=mode), 2e-6, x=(2, 3) if mode == "instance" else (2, 3, 4)
    )
    # MXNet's gradient by sample is wrong for more than two axes.
    check(mx.sym.SoftmaxActivation(X, mode=mode), 2e-6, gradients=False, x=(2, 3, 4))


def test_dropout_leaves_evaluation_alone():
    check_values = {"x": np.arange(6, dtype=np.float32)}
    same(mx.sym.Dropout(X, p=0.7), check_values, 0, gradients=False, training=False)


@pytest.mark.parametrize("settings", [{}, {"mode": "always"}, {"axes": (0, 2)}])
def test_dropout(settings):
    """Kept elements are scaled, the gradient likewise; along `axes` one decision is shared."""
    ones = np.ones((40, 50, 2), np.float32)
    result = by_torch(mx.sym.Dropout(X, p=0.25, **settings), {"x": ones}, [ones])
    (out,) = result.outputs
    assert set(np.unique(out.round(5))) == {0, np.float32(4 / 3).round(5)}
    assert abs(out.mean() - 1) < (0.3 if "axes" in settings else 0.05)
    assert np.array_equal(out, result.gradients["x"])
    if "axes" in settings:
        assert np.array_equal(out, np.broadcast_to(out[:1, :, :1], out.shape))
    evaluated = by_torch(mx.sym.Dropout(X, p=0.25, **settings), {"x": ones}).outputs[0]
    assert (evaluated == 0).any() == ("mode" in settings)
