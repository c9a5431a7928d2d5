"""Elements chosen by indices equal MXNet's, with their gradients."""

import numpy as np
import pytest
import torch

from densefit.backend import mx
from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.tensor.indexing import take
from densefit.errors import DataError
from densefit.model.symbol_graph import Node
from tests.engine.torch.compare import same

X, INDEX, Y, C = (mx.sym.Variable(name) for name in "xiyc")


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def real(*numbers):
    return np.array(numbers, np.float32)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("mode", ["clip", "wrap"])
@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.int64])
def test_take(axis, mode, dtype):
    index = np.array([[0, 1, 9], [-1, 2, 2]]).astype(dtype)
    same(mx.sym.take(X, INDEX, axis=axis, mode=mode), {"x": random(3, 4, 5), "i": index}, 1e-6)


def test_take_truncates():
    same(mx.sym.take(X, INDEX), {"x": random(4, 2), "i": real(1.9, 0.2)}, 0)


def test_embedding():
    index = np.array([[0, 3], [3, 1]], np.int32)
    symbol = mx.sym.Embedding(X, Y, input_dim=4, output_dim=3)
    same(symbol, {"x": index, "y": random(4, 3)}, 1e-6)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_indices_beyond_an_embedding_are_clipped(dtype):
    index = np.array([[-7, -1, 0], [3, 4, 99]]).astype(dtype)
    symbol = mx.sym.Embedding(X, Y, input_dim=4, output_dim=3)
    same(symbol, {"x": index, "y": random(4, 3)}, 1e-6)
    fractions = real(-2, -0.5, 3.9, 4.2, 1.7)
    same(symbol, {"x": fractions, "y": random(4, 3)}, 1e-6, gradients=False, training=False)


@pytest.mark.parametrize("index", [(0, 3), (-1, 2)])
def test_indices_beyond_an_axis_raise_where_the_operator_says_so(index):
    taking = take(Attributes(Node("take", "t", (), {"mode": "raise"})))
    x = torch.arange(6.0).reshape(3, 2)
    assert taking(None, x, torch.tensor([2.0, 0])).tolist() == [[4, 5], [0, 1]]
    with pytest.raises(DataError, match=r"0 to 2[\s\S]*mode='clip'"):
        taking(None, x, torch.tensor(index))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("mode", ["clip", "wrap"])
def test_pick(axis, keepdims, mode):
    rest = {0: (4, 5), 1: (3, 5), -1: (3, 4)}[axis]
    index = np.random.default_rng(0).integers(-1, 6, rest)
    values = {"x": random(3, 4, 5), "i": index.astype(np.float32)}
    same(mx.sym.pick(X, INDEX, axis=axis, keepdims=keepdims, mode=mode), values, 0)
    shape = [1 if n == axis % 3 else size for n, size in enumerate((3, 4, 5))]
    values["i"] = values["i"].reshape(shape)
    same(mx.sym.pick(X, INDEX, axis=axis, keepdims=keepdims, mode=mode), values, 0)


def test_pick_of_a_vector():
    same(mx.sym.pick(X, INDEX, axis=0), {"x": random(4), "i": real(2)}, 0)


def test_batch_take():
    same(
        mx.sym.batch_take(X, INDEX),
        {"x": random(3, 4), "i": np.array([0, 3, 1], np.int32)},
        0,
        gradients=False,
    )


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_one_hot(dtype):
    index = real(0, 2, 5, -1, 1.7, 3).reshape(2, 3)
    symbol = mx.sym.one_hot(INDEX, depth=4, on_value=2, off_value=-1, dtype=dtype)
    same(symbol, {"i": index}, 0, gradients=False)


def test_gather_nd():
    x = random(3, 4, 5)
    same(mx.sym.gather_nd(X, INDEX), {"x": x, "i": real(0, 2, 2, 1, 1, 3).reshape(2, 3)}, 1e-6)
    same(mx.sym.gather_nd(X, INDEX), {"x": x, "i": np.array([[[0, 2], [1, 1]]], np.int32)}, 1e-6)
    same(mx.sym.gather_nd(X, INDEX), {"x": x, "i": real(0, 2, 2, 1, 1, 4).reshape(3, 2)}, 1e-6)


def test_negative_indices_count_from_the_end():
    """Their gradient in MXNet goes beyond the tensor."""
    values = {"x": random(3, 4), "i": real(0, -1, -3, 3).reshape(2, 2)}
    same(mx.sym.gather_nd(X, INDEX), values, 0, gradients=False)


def test_scatter_nd():
    values = {"x": random(3, 2), "i": real(0, 2, 3).reshape(1, 3)}
    same(mx.sym.scatter_nd(X, INDEX, shape=(4, 2)), values, 0)
    values = {"x": random(3), "i": real(0, 2, 3, 1, 1, 0).reshape(2, 3)}
    same(mx.sym.scatter_nd(X, INDEX, shape=(4, 2)), values, 0)


@pytest.mark.parametrize("shape", [(3, 4), (3,)])
def test_where(shape):
    condition = np.random.default_rng(0).integers(-1, 2, shape).astype(np.float32)
    values = {"c": condition, "x": random(3, 4), "y": random(3, 4, seed=1)}
    same(mx.sym.where(C, X, Y), values, 0)


def test_flat_indices():
    index = real(0, 2, 1, 1, 3, 0).reshape(2, 3)
    same(mx.sym.ravel_multi_index(X, shape=(3, 4)), {"x": index}, 0, gradients=False)
    same(mx.sym.unravel_index(X, shape=(3, 4)), {"x": real(0, 5, 11)}, 0, gradients=False)


def test_rows_copied():
    values = {"x": random(4, 3), "i": np.array([2, 0], np.int64), "y": random(2, 3, seed=1)}
    same(mx.sym.contrib.index_copy(X, INDEX, Y), values, 0)


@pytest.mark.parametrize("axes", [None, (1,), (0, 1)])
def test_index_array(axes):
    settings = {} if axes is None else {"axes": axes}
    same(mx.sym.contrib.index_array(X, **settings), {"x": random(3, 4)}, 0, gradients=False)
