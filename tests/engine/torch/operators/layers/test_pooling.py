"""Pooling equals MXNet's, with its gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.backend import mx
from tests.engine.torch.compare import check

X = mx.sym.Variable("x")
KINDS = ["max", "avg", "sum", "lp"]


def has_right_gradient(kind, convention, include=True):
    """MXNet's gradient of a mean of a window that is cut divides by the whole window."""
    return not (kind == "avg" and convention == "full" and include)


def pool(kind, **settings):
    extra = {"p_value": 2} if kind == "lp" else {}
    return mx.sym.Pooling(X, pool_type=kind, **extra, **settings)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("convention", ["valid", "full"])
@pytest.mark.parametrize("window", [
    {"kernel": (2, 2), "stride": (2, 2)},
    {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1)},
    {"kernel": (3, 2), "stride": (1, 3), "pad": (0, 1)},
    {"kernel": (3, 3)},
])  # fmt: skip
@pytest.mark.parametrize("include", [True, False])
def test_windows(kind, convention, window, include):
    if not include and kind != "avg":
        return
    symbol = pool(kind, pooling_convention=convention, count_include_pad=include, **window)
    check(symbol, 5e-6, gradients=has_right_gradient(kind, convention, include), x=(2, 3, 7, 8))


@pytest.mark.parametrize("kind", KINDS)
def test_whole_maps(kind):
    check(pool(kind, global_pool=True), 5e-6, x=(2, 3, 4, 5))
    check(pool(kind, global_pool=True, kernel=(1, 1), pad=(1, 1)), 5e-6, x=(2, 3, 4, 5))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("convention", ["valid", "full"])
def test_along_one_axis(kind, convention):
    symbol = pool(kind, pooling_convention=convention, kernel=(3,), stride=(2,), pad=(1,))
    check(symbol, 5e-6, gradients=has_right_gradient(kind, convention), x=(2, 3, 8))


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_along_three_axes(kind):
    window = {"kernel": (2, 3, 2), "stride": (2, 1, 2), "pad": (1, 1, 0)}
    check(pool(kind, **window), 5e-6, x=(1, 2, 5, 4, 6))


@pytest.mark.parametrize("power", [1, 2, 3])
def test_powers(power):
    symbol = mx.sym.Pooling(mx.sym.abs(X), pool_type="lp", p_value=power, kernel=(2, 2))
    check(symbol, 1e-5, x=(1, 2, 4, 4))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["max", "avg", "sum"]),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(4, 9),
    st.booleans(),
    st.sampled_from(["valid", "full"]),
)
def test_any_window(kind, kernel, stride, pad, size, include, convention):
    if pad >= kernel:
        return
    symbol = pool(
        kind, kernel=(kernel,) * 2, stride=(stride,) * 2, pad=(pad,) * 2,
        pooling_convention=convention, count_include_pad=include,
    )  # fmt: skip
    gradients = has_right_gradient(kind, convention, include)
    check(symbol, 1e-5, gradients=gradients, x=(1, 2, size, size + 1))


def test_gradient_of_equal_maxima_goes_to_the_first():
    from tests.engine.torch.compare import same

    x = np.zeros((1, 1, 4, 4), np.float32)
    same(pool("max", kernel=(2, 2), stride=(2, 2)), {"x": x}, 0)
