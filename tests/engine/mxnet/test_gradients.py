"""The norm of gradients, read in MXNet's own memory."""

from types import SimpleNamespace

import numpy as np
import pytest

from densefit.backend import mx
from densefit.engine.mxnet.gradients import Gradients, squared_norm
from densefit.engine.mxnet.ndarrays import HostViews, host_view


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


def test_kept_views_show_what_was_written_since():
    arrays = [mx.nd.arange(6).reshape((2, 3)), mx.nd.ones((4,))]
    views = HostViews(arrays)
    first = views.read()
    np.testing.assert_array_equal(first[0], np.arange(6))
    arrays[0] *= 2
    arrays[1][2] = 5
    again = views.read()
    np.testing.assert_array_equal(again[0], 2 * np.arange(6))
    np.testing.assert_array_equal(again[1], [1, 1, 5, 1])
    assert again[0] is first[0], "the view was made anew"


@pytest.mark.parametrize("devices", [1, 2])
def test_the_norm_follows_the_backward_passes(tiny, devices):
    """Also where the gradients of several devices add up, of which there are no views."""
    data = mx.sym.Variable("data")
    symbol = mx.sym.MakeLoss(mx.sym.FullyConnected(data, num_hidden=2, name="dense"))
    module = mx.mod.Module(symbol, label_names=[], context=[mx.cpu(n) for n in range(devices)])
    module.bind([("data", (4, 3))])
    module.init_params(mx.init.One())
    gradients = Gradients(module, SimpleNamespace(adapters={}))
    gradients.samples = 1
    for factor in (1.0, 3.0):
        module.forward_backward(mx.io.DataBatch([mx.nd.ones((4, 3)) * factor], pad=0))
        # Each weight has 4 * factor, each bias 4.
        expected = np.sqrt(6 * (4 * factor) ** 2 + 2 * 4**2)
        assert gradients.norm() == pytest.approx(expected)


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
