"""Reductions equal MXNet's, with their gradients."""

import numpy as np
import pytest

from densefit.backend import mx
from tests.engine.torch.compare import same

X = mx.sym.Variable("x")
AXES = [None, (), 0, -1, (0, 2), (1, -1), (0, 1, 2)]


def values(whole=False):
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, (3, 4, 5)) if whole else rng.uniform(0.5, 2, (3, 4, 5))
    return {"x": x.astype(np.float32)}


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "nansum", "nanprod"])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions(name, axis, keepdims):
    same(getattr(mx.sym, name)(X, axis=axis, keepdims=keepdims), values(), 3e-6)


@pytest.mark.parametrize("name", ["sum", "mean", "max"])
@pytest.mark.parametrize("axis", [0, (0, 2), (-1,)])
def test_all_axes_but_some(name, axis):
    same(getattr(mx.sym, name)(X, axis=axis, exclude=True), values(), 1e-6)


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
@pytest.mark.parametrize("axis", [1, -1])
def test_equal_extremes(name, axis):
    """Each of them gets the whole gradient; the first is the index."""
    same(getattr(mx.sym, name)(X, axis=axis), values(whole=True), 0)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("axis", [None, 0, 2, -2])
@pytest.mark.parametrize("keepdims", [False, True])
def test_indices_of_extremes(name, axis, keepdims):
    if axis is None and keepdims:
        return
    same(getattr(mx.sym, name)(X, axis=axis, keepdims=keepdims), values(), 0)


def test_indices_along_channels():
    same(mx.sym.argmax_channel(X), {"x": values()["x"][0]}, 0, gradients=False)


@pytest.mark.parametrize("name", ["nansum", "nanprod"])
def test_without_nan(name):
    x = np.array([[1.0, np.nan, 2], [3, np.nan, 5]], np.float32)
    same(getattr(mx.sym, name)(X, axis=1), {"x": x}, 1e-6, gradients=False)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_norm(order, axis, keepdims):
    if axis is not None and np.size(axis) == 2 and order == 1:
        return  # MXNet's is a norm of matrices
    same(mx.sym.norm(X, ord=order, axis=axis, keepdims=keepdims), values(), 2e-6)


@pytest.mark.parametrize("axes", [(0,), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_moments(axes, keepdims):
    same(mx.sym.Group(list(mx.sym.moments(X, axes=axes, keepdims=keepdims))), values(), 1e-5)


@pytest.mark.parametrize("axis", [None, 0, 2])
def test_running_sums(axis):
    same(mx.sym.cumsum(X, axis=axis), values(), 1e-6)


@pytest.mark.parametrize("name", ["sum", "mean", "max", "argmax"])
def test_whole_numbers(name):
    x = np.array([[7, -2, 1], [3, 3, 3]], np.int32)
    same(getattr(mx.sym, name)(X, axis=1), {"x": x}, 0, gradients=False)
    same(getattr(mx.sym, name)(X, axis=0), {"x": x}, 0, gradients=False)


def test_a_nan_is_the_maximum():
    x = np.array([[1.0, np.nan, 3], [1, 2, 3]], np.float32)
    same(mx.sym.max(X, axis=1), {"x": x}, 0, gradients=False)


def test_a_vector_has_no_axis_left():
    same(mx.sym.sum(X, axis=0), {"x": np.arange(4, dtype=np.float32)}, 0)
    same(mx.sym.argmax(X, axis=0), {"x": np.arange(4, dtype=np.float32)}, 0)
    same(mx.sym.max(X, axis=0), {"x": np.arange(4, dtype=np.float32)}, 0)
