"""Operators of two tensors, or a tensor and a number, equal MXNet's, with their gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.backend import mx
from densefit.engine.torch.operators import supported
from tests.engine.torch.compare import same

A, B = mx.sym.Variable("a"), mx.sym.Variable("b")
NAMES = "add sub mul div mod power maximum minimum hypot".split()
COMPARISONS = "equal not_equal greater greater_equal lesser lesser_equal".split()
LOGICAL = "logical_and logical_or logical_xor".split()


def positive(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 3, shape).astype(np.float32)


def whole(*shape, seed=0):
    return np.random.default_rng(seed).integers(-2, 3, shape).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shapes", [((2, 3), (2, 3)), ((2, 1, 4), (1, 3, 1)), ((3, 1), (1, 1))])
def test_broadcast(name, shapes):
    a, b = positive(*shapes[0]), positive(*shapes[1], seed=1)
    same(getattr(mx.sym, f"broadcast_{name}")(A, B), {"a": a, "b": b}, 1e-6)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_gradients_of_equal_numbers(name):
    values = {"a": whole(5, 8), "b": whole(5, 8, seed=1)}
    same(getattr(mx.sym, f"broadcast_{name}")(A, B), values, 0)
    same(getattr(mx.sym, name)(A, B), values, 0)
    for scalar in (1.0, 0.0, -1.0):
        same(getattr(mx.sym, name)(A, scalar), {"a": values["a"]}, 0)


@pytest.mark.parametrize("name", COMPARISONS + LOGICAL)
def test_comparisons(name):
    a, b = whole(4, 5), whole(4, 1, seed=1)
    same(getattr(mx.sym, f"broadcast_{name}")(A, B), {"a": a, "b": b}, 0)
    same(getattr(mx.sym, f"_internal._{name}_scalar", None) or scalar_of(name, 1.0), {"a": a}, 0)


def scalar_of(name, scalar):
    return getattr(mx.sym._internal, f"_{name}_scalar")(A, scalar=scalar)


@pytest.mark.parametrize("name", "plus minus rminus mul div rdiv power rpower hypot".split())
@pytest.mark.parametrize("scalar", [2.0, 0.5, 3.0])
def test_scalars(name, scalar):
    same(scalar_of(name, scalar), {"a": positive(3, 4)}, 1e-6)


@pytest.mark.parametrize("name", ["mod", "rmod"])
@pytest.mark.parametrize("scalar", [3.0, -2.0, 0.0])
def test_remainders(name, scalar):
    a = np.array([-4.5, -1.0, 0.0, 0.7, 5.0], np.float32)
    same(scalar_of(name, scalar), {"a": a}, 1e-6, gradients=False)
    if name == "mod" and scalar:
        same(scalar_of(name, scalar), {"a": a}, 1e-6)


@pytest.mark.parametrize("name", "plus minus rminus mul div mod power maximum minimum".split())
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
def test_whole_numbers_meet_a_whole_scalar(name, dtype):
    a = np.array([1, 2, 7, 5], dtype)
    same(scalar_of(name, 2.5), {"a": a}, 0, gradients=False)
    if name not in ("mod", "div"):
        same(scalar_of(name, 0.0), {"a": a}, 0, gradients=False)


def test_division_of_whole_numbers():
    a, b = np.array([7, -7, 5, 1], np.int32), np.array([2, 2, -3, 4], np.int32)
    same(mx.sym.broadcast_div(A, B), {"a": a, "b": b}, 0, gradients=False)
    same(mx.sym.broadcast_mod(A, B), {"a": a, "b": b}, 0, gradients=False)


@pytest.mark.parametrize("numbers", [2, 5, 9])
def test_sum_of_many(numbers):
    names = [f"x{n}" for n in range(numbers)]
    symbol = mx.sym.add_n(*map(mx.sym.Variable, names))
    same(symbol, {name: positive(2, 3, seed=n) for n, name in enumerate(names)}, 1e-6)


SHAPE = st.lists(st.integers(1, 3), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(SHAPE, st.data(), st.sampled_from(["add", "mul", "div", "maximum"]))
def test_shapes_of_any_kind(shape, data, name):
    keep = data.draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
    other = [n if k else 1 for n, k in zip(shape, keep)]
    values = {"a": positive(*shape), "b": positive(*other, seed=1)}
    same(getattr(mx.sym, f"broadcast_{name}")(A, B), values, 1e-6)


@pytest.mark.parametrize(
    "alias",
    "_Plus _Minus _Mul _Div _Power _Maximum _Minimum _Mod _Hypot _Equal _Not_Equal _Greater "
    "_Lesser_Equal _PlusScalar _MinusScalar _RMinusScalar _MulScalar _DivScalar _RDivScalar "
    "_PowerScalar _RPowerScalar _MaximumScalar _EqualScalar _NotEqualScalar _GreaterEqualScalar "
    "_LogicalAndScalar _Logical_And _ModScalar _RModScalar broadcast_plus broadcast_minus "
    "elemwise_add _add _sub _mul _div _grad_add ElementWiseSum".split(),
)
def test_older_names(alias):
    assert alias in supported()
