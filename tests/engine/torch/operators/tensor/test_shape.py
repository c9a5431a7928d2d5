"""Operators that change shapes equal MXNet's, with their gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.backend import mx
from densefit.engine.torch.operators.tensor.shape import reshaped
from tests.engine.torch.compare import same

X, Y = mx.sym.Variable("x"), mx.sym.Variable("y")


def values(*shape):
    return {"x": np.random.default_rng(0).normal(size=shape).astype(np.float32)}


CODES = [
    ((2, 3, 4), (4, 0, 2), False),
    ((2, 3, 4), (2, 0, 0), False),
    ((2, 3, 4), (6, 1, -1), False),
    ((2, 3, 4), (3, -1, 8), False),
    ((2, 3, 4), (-2,), False),
    ((2, 3, 4), (2, -2), False),
    ((2, 3, 4), (-2, 1, 1), False),
    ((2, 3, 4), (-3, 4), False),
    ((2, 3, 4, 5), (-3, -3), False),
    ((2, 3, 4), (0, -3), False),
    ((2, 3, 4), (-3, -2), False),
    ((2, 3, 4), (-4, 1, 2, -2), False),
    ((2, 3, 4), (2, -4, -1, 3, -2), False),
    ((10, 5, 4), (-1, 0), False),
    ((10, 5, 4), (-1, 0), True),
    ((8, 3, 3, 3, 4, 4), (-4, -1, 2, 0, 0, 0, -3), False),
    ((2, 3, 8), (0, 0, -4, 2, -1), False),
    ((6,), (-1, 3), False),
    ((2, 3, 4), (0, -1), False),
]


@pytest.mark.parametrize("case", CODES)
def test_reshape_codes(case):
    shape, target, reverse = case
    same(mx.sym.Reshape(X, shape=target, reverse=reverse), values(*shape), 0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.lists(st.sampled_from([0, -1, -2, -3, 1]), min_size=1, max_size=4),
    st.booleans(),
)
def test_any_codes(shape, codes, reverse):
    if codes.count(-1) > 1 or codes.count(-2) > 1:
        return
    symbol = mx.sym.Reshape(X, shape=codes, reverse=reverse)
    try:
        _, (expected,), _ = symbol._infer_shape_impl(False, x=tuple(shape))
    except (mx.base.MXNetError, TypeError):
        return
    if np.prod(expected) == np.prod(shape):
        assert tuple(reshaped(shape, codes, reverse)) == tuple(expected)


@pytest.mark.parametrize(
    "symbol",
    [
        mx.sym.Flatten(X),
        mx.sym.transpose(X),
        mx.sym.transpose(X, axes=(0, 2, 3, 1)),
        mx.sym.SwapAxis(X, dim1=1, dim2=3),
        mx.sym.expand_dims(X, axis=2),
        mx.sym.expand_dims(X, axis=-1),
        mx.sym.squeeze(X),
        mx.sym.squeeze(X, axis=1),
        mx.sym.squeeze(X, axis=(1, 3)),
        mx.sym.broadcast_to(X, shape=(2, 5, 3, 7)),
        mx.sym.broadcast_to(X, shape=(0, 5, 0, 0)),
        mx.sym.broadcast_axis(X, axis=(1, 3), size=(4, 2)),
        mx.sym.broadcast_axis(X, axis=1, size=4),
        mx.sym.tile(X, reps=(2, 1, 3, 2)),
        mx.sym.tile(X, reps=(2, 3)),
        mx.sym.tile(X, reps=(2, 1, 1, 1, 3)),
        mx.sym.repeat(X, repeats=3, axis=2),
        mx.sym.repeat(X, repeats=2),
        mx.sym.flip(X, axis=2),
        mx.sym.reverse(X, axis=(0, 2)),
        mx.sym.Reshape(X, target_shape=(0, 6)),
        mx.sym.Reshape(X, target_shape=(0, 3), keep_highest=True),
    ],
    ids=lambda symbol: symbol.name,
)
def test_one_tensor(symbol):
    same(symbol, values(2, 1, 3, 1), 1e-6)


def test_squeeze_of_ones():
    same(mx.sym.squeeze(X), values(1, 1), 0)


@pytest.mark.parametrize(
    ("symbol", "shape"),
    [
        (mx.sym.broadcast_like(X, Y), (2, 4, 3, 5)),
        (mx.sym.broadcast_like(X, Y, lhs_axes=(1, 3), rhs_axes=(0, -1)), (4, 5)),
        (mx.sym.reshape_like(X, Y), (3, 2)),
        (mx.sym.reshape_like(X, Y, lhs_begin=1, lhs_end=3, rhs_begin=0, rhs_end=2), (1, 3, 9)),
        (mx.sym.reshape_like(X, Y, lhs_begin=0, lhs_end=-1, rhs_begin=-2, rhs_end=None), (9, 2, 3)),
    ],
)
def test_like_another(symbol, shape):
    same(symbol, {**values(2, 1, 3, 1), "y": np.zeros(shape, np.float32)}, 1e-6)


@pytest.mark.parametrize("name", ["shape_array", "size_array"])
def test_shapes_as_numbers(name):
    same(getattr(mx.sym, name)(X), values(2, 3, 4), 0, gradients=False)
