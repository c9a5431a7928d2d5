"""Slices equal Python's and MXNet's, with their gradients."""

import numpy as np
import pytest

from densefit.backend import mx
from tests.engine.torch.compare import same

X, Y = mx.sym.Variable("x"), mx.sym.Variable("y")
SHAPE = (4, 5, 6)


def random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


SLICES = [
    {"begin": (1,), "end": (3,)},
    {"begin": (None, 1), "end": (None, 4)},
    {"begin": (0, None, 2), "end": (None, -1, 6), "step": (2, None, 3)},
    {"begin": (-1,), "end": (None,), "step": (-1,)},
    {"begin": (None, 4, -1), "end": (None, 0, -6), "step": (None, -2, -1)},
    {"begin": (-3, -4), "end": (-1, -1)},
]


@pytest.mark.parametrize("settings", SLICES)
def test_slice(settings):
    same(mx.sym.slice(X, **settings), {"x": random(*SHAPE)}, 0)


@pytest.mark.parametrize("settings", SLICES)
def test_assignment(settings):
    region = tuple(
        slice(*part)
        for part in zip(settings["begin"], settings["end"], settings.get("step", (None,) * 3))
    )
    values = {"x": random(*SHAPE), "y": random(*random(*SHAPE)[region].shape)}
    same(mx.sym._internal._slice_assign(X, Y, **settings), values, 0, gradients=False)
    symbol = mx.sym._internal._slice_assign_scalar(X, scalar=2.5, **settings)
    same(symbol, {"x": values["x"]}, 0, gradients=False)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("limits", [(0, 2), (1, None), (-3, -1), (2, 4)])
def test_slice_axis(axis, limits):
    symbol = mx.sym.slice_axis(X, axis=axis, begin=limits[0], end=limits[1])
    same(symbol, {"x": random(*SHAPE)}, 0)


@pytest.mark.parametrize("axes", [None, (0,), (0, -1), (1, 2)])
def test_slice_like(axes):
    settings = {} if axes is None else {"axes": axes}
    values = {"x": random(*SHAPE), "y": random(2, 3, 4)}
    same(mx.sym.slice_like(X, Y, **settings), values, 0)
