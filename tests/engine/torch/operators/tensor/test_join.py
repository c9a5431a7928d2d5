"""Joins, splits, padding and blocks equal MXNet's, with their gradients."""

import numpy as np
import pytest

from densefit.backend import mx
from tests.engine.torch.compare import same

X, Y = mx.sym.Variable("x"), mx.sym.Variable("y")


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_concat(axis):
    second = [2, 3, 4]
    second[axis] += 2
    values = {"x": random(2, 3, 4), "y": random(*second, seed=1)}
    same(mx.sym.Concat(X, Y, dim=axis), values, 0)


@pytest.mark.parametrize("axis", [0, 1, 3, -1])
def test_stack(axis):
    values = {"x": random(2, 3, 4), "y": random(2, 3, 4, seed=1)}
    same(mx.sym.stack(X, Y, axis=axis), values, 0)


@pytest.mark.parametrize("squeezed", [False, True])
@pytest.mark.parametrize("axis", [1, -1])
def test_split(axis, squeezed):
    shape = (2, 3, 4) if axis == 1 else (2, 4, 3)
    parts = mx.sym.SliceChannel(X, num_outputs=3, axis=axis, squeeze_axis=squeezed)
    same(mx.sym.Group(list(parts)), {"x": random(*shape)}, 0)


@pytest.mark.parametrize("where", [2, (1, 3), (0, 2)])
def test_split_at_indices(where):
    parts = mx.sym.split_v2(X, where, axis=1)
    same(mx.sym.Group(list(parts)), {"x": random(2, 4, 3)}, 0)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
@pytest.mark.parametrize("width", [(0, 0, 0, 0, 1, 2, 3, 1), (0, 0, 0, 0, 0, 1, 2, 0)])
def test_pad(mode, width):
    same(
        mx.sym.pad(X, mode=mode, pad_width=width, constant_value=3), {"x": random(2, 3, 5, 6)}, 1e-6
    )


def test_pad_of_volumes():
    symbol = mx.sym.pad(X, mode="edge", pad_width=(0, 0, 0, 0, 1, 2, 3, 1, 0, 2))
    same(symbol, {"x": random(1, 2, 3, 4, 3)}, 1e-6)


def test_blocks():
    same(mx.sym.depth_to_space(X, block_size=2), {"x": random(2, 8, 3, 2)}, 0)
    same(mx.sym.space_to_depth(X, block_size=2), {"x": random(2, 3, 4, 6)}, 0)


def test_windows():
    settings = {"kernel": (3, 2), "stride": (2, 1), "pad": (1, 0), "dilate": (1, 2)}
    same(mx.sym.im2col(X, **settings), {"x": random(2, 3, 6, 7)}, 1e-6)
    columns = random(2, 3 * 6, 3 * 5)
    same(mx.sym.col2im(X, output_size=(6, 7), **settings), {"x": columns}, 1e-6)
