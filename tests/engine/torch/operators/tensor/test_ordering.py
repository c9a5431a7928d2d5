"""Orders equal MXNet's, with their gradients."""

import numpy as np
import pytest

from densefit.backend import mx
from tests.engine.torch.compare import same

X = mx.sym.Variable("x")
ROWS = np.random.default_rng(0).permutation(60).reshape(3, 4, 5).astype(np.float32)
TIES = np.array([[1, 3, 3, 2, 3, 1.0], [2, 2, 2, 2, 2, 2]], np.float32)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("ascending", [False, True])
def test_sort(axis, ascending):
    same(mx.sym.sort(X, axis=axis, is_ascend=ascending), {"x": ROWS}, 0)
    same(mx.sym.argsort(X, axis=axis, is_ascend=ascending), {"x": ROWS}, 0, gradients=False)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("kind", ["value", "indices", "mask", "both"])
@pytest.mark.parametrize("k", [1, 3, 0])
def test_topk(axis, ascending, kind, k):
    if kind == "mask" and axis is None:
        return
    symbol = mx.sym.topk(X, axis=axis, k=k, ret_typ=kind, is_ascend=ascending)
    symbol = mx.sym.Group(list(symbol)) if kind == "both" else symbol
    same(symbol, {"x": ROWS}, 0, gradients=kind in ("value", "both"))


@pytest.mark.parametrize("k", [0, 2, 4])
@pytest.mark.parametrize("ascending", [False, True])
def test_equal_ones_keep_their_order(k, ascending):
    symbol = mx.sym.topk(X, k=k, is_ascend=ascending)
    same(symbol, {"x": TIES}, 0, gradients=False)
    same(mx.sym.argsort(X, is_ascend=ascending), {"x": TIES}, 0, gradients=False)


def test_dtype_of_indices():
    same(mx.sym.topk(X, dtype="int32"), {"x": ROWS}, 0, gradients=False)
    same(mx.sym.argsort(X, dtype="int64"), {"x": ROWS}, 0, gradients=False)


def test_many_rows():
    x = np.random.default_rng(0).permutation(6000).reshape(2, 3000).astype(np.float32)
    symbol = mx.sym.Group(list(mx.sym.topk(X, k=400, ret_typ="both")))
    same(symbol, {"x": x}, 0, gradients=False)
