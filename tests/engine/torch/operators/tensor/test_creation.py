"""Tensors from settings equal MXNet's."""

import numpy as np
import pytest

from densefit.backend import mx
from tests.engine.torch.compare import same

X = mx.sym.Variable("x")


@pytest.mark.parametrize(
    "symbol",
    [
        mx.sym.zeros((2, 3)),
        mx.sym.ones((2, 3), dtype="int32"),
        mx.sym.full((2, 3), -2.5),
        mx.sym.arange(5),
        mx.sym.arange(2, 9, 2.5),
        mx.sym.arange(0, 1, 0.1, repeat=3),
        mx.sym.arange(5, 0, -1, dtype="int32"),
        mx.sym.linspace(0, 1, 7),
        mx.sym.linspace(0, 1, 7, endpoint=False),
        mx.sym.eye(3, 5, 1),
        mx.sym.eye(4, k=-1),
    ],
    ids=lambda symbol: symbol.name,
)
def test_from_settings(symbol):
    same(symbol, {}, 1e-7, gradients=False)


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("repeat", [1, 2])
def test_arange_like(axis, repeat):
    symbol = mx.sym.contrib.arange_like(X, start=1, step=0.5, axis=axis, repeat=repeat)
    same(symbol, {"x": np.zeros((4, 6), np.float32)}, 0, gradients=False)


@pytest.mark.parametrize("offset", [-1, 0, 2])
def test_diag(offset):
    rng = np.random.default_rng(0)
    same(mx.sym.diag(X, k=offset), {"x": rng.normal(size=4).astype(np.float32)}, 0)
    same(mx.sym.diag(X, k=offset), {"x": rng.normal(size=(4, 5)).astype(np.float32)}, 0)
    x = rng.normal(size=(2, 4, 5)).astype(np.float32)
    same(mx.sym.diag(X, k=offset, axis1=-2, axis2=-1), {"x": x}, 0)
