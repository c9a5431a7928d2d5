"""A ReLU overwrites its input where nothing else reads it."""

import numpy as np
import pytest
from torch.utils._python_dispatch import TorchDispatchMode

from densefit.backend import mx
from tests.engine.torch.compare import by_torch, same


class Calls(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.append(function.name())
        return function(*args, **(kwargs or {}))


def relu_calls(symbol, values):
    with Calls() as calls:
        by_torch(symbol, values)
    return [name for name in calls.names if "relu" in name]


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    shapes = {"x": (2, 3, 4, 4), "y": (2, 3, 4, 4), "weight": (3, 3, 3, 3)}
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return arrays | {name: np.ones(3, np.float32) for name in ("gamma", "beta", "mean", "var")}


X, Y = mx.sym.Variable("x"), mx.sym.Variable("y")
CONV = mx.sym.Convolution(
    X, mx.sym.Variable("weight"), kernel=(3, 3), pad=(1, 1), num_filter=3, no_bias=True
)
NORM = mx.sym.BatchNorm(CONV, *map(mx.sym.Variable, ("gamma", "beta", "mean", "var")))


@pytest.mark.parametrize("source", [CONV, NORM, X + Y, mx.sym.broadcast_add(X, Y)])
def test_overwrites_what_nothing_else_reads(source, values):
    symbol = mx.sym.Activation(source, act_type="relu")
    values = {n: values[n] for n in symbol.list_arguments() + symbol.list_auxiliary_states()}
    assert relu_calls(symbol, values) == ["aten::relu_"]
    same(symbol, values, 2e-6)


@pytest.mark.parametrize(
    "symbol",
    [
        mx.sym.relu(X),
        mx.sym.relu(mx.sym.identity(X)) + X,
        mx.sym.relu(mx.sym.exp(X)),  # whose gradient reads its output
        mx.sym.relu(NORM) + NORM,
        mx.sym.Group([CONV, mx.sym.relu(CONV)]),
    ],
)
def test_copies_what_is_read_again(symbol, values):
    values = {n: values[n] for n in symbol.list_arguments() + symbol.list_auxiliary_states()}
    assert relu_calls(symbol, values) == ["aten::relu"]
    same(symbol, values, 2e-6)
