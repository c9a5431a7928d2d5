"""The norm of gradients, read in MXNet's own memory."""

import numpy as np
import pytest

from densefit.backend import mx
from densefit.engine.mxnet.gradients import squared_norm
from densefit.engine.mxnet.ndarrays import host_view


def test_a_view_is_the_array(tiny):
    array = mx.nd.arange(12).reshape((3, 4)) * 2
    view = host_view(array)
    np.testing.assert_array_equal(view, array.asnumpy())
    array[1, 2] = 7
    assert host_view(array)[1, 2] == view[1, 2] == 7
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1


def test_gradients_in_another_layout_are_read_as_they_mean():
    """MXNet keeps those of convolutions as its library for CPUs likes them."""
    data = mx.sym.Variable("data")
    x = mx.sym.Convolution(data, num_filter=32, kernel=(3, 3), name="a")
    x = mx.sym.Convolution(x, num_filter=32, kernel=(3, 3), name="b")
    executor = mx.sym.MakeLoss(mx.sym.sum(x * x, axis=(1, 2, 3))).simple_bind(
        mx.cpu(), data=(2, 16, 12, 12)
    )
    rng = np.random.default_rng(0)
    for array in executor.arg_dict.values():
        array[:] = rng.normal(0, 0.1, array.shape)
    for _ in range(3):
        executor.forward(is_train=True)
        executor.backward()
        views = {name: host_view(array).copy() for name, array in executor.grad_dict.items()}
        for name, array in executor.grad_dict.items():
            np.testing.assert_array_equal(views[name], array.asnumpy())


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_norm_is_that_of_all_numbers(dtype):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype(dtype) for shape in ((3, 4, 5), (7,), (1, 1))]
    expected = sum((array.astype(np.float64) ** 2).sum() for array in arrays)
    found = squared_norm([[mx.nd.array(array, dtype=dtype)] for array in arrays])
    assert found == pytest.approx(expected, rel=1e-5)


def test_replicas_add_up():
    one, other = np.float32([1, 2]), np.float32([3, -2])
    replicas = [mx.nd.array(one, ctx=mx.cpu(0)), mx.nd.array(other, ctx=mx.cpu(1))]
    assert squared_norm([replicas]) == 16


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3e38])
def test_what_is_not_finite_shows(bad):
    array = mx.nd.zeros((100,))
    array[50] = bad
    assert not np.isfinite(squared_norm([[mx.nd.ones((4,))], [array]]))
