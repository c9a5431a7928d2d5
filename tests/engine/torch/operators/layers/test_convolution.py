"""Layers with weights equal MXNet's, with their gradients."""

import numpy as np
import pytest
import torch

from densefit.backend import mx
from densefit.engine.torch.program import Program, Run
from densefit.model.symbol_graph import SymbolGraph
from tests.engine.torch.compare import by_torch, check, close, same

X = mx.sym.Variable("x")


@pytest.mark.parametrize("flatten", [True, False])
@pytest.mark.parametrize("no_bias", [True, False])
def test_dense(flatten, no_bias):
    layer = mx.sym.FullyConnected(X, num_hidden=4, flatten=flatten, no_bias=no_bias)
    check(layer, x=(2, 3, 5))
    check(layer, x=(2, 6))


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel": (3, 3)},
        {"kernel": (3, 2), "stride": (2, 1), "pad": (1, 2), "no_bias": True},
        {"kernel": (3, 3), "dilate": (2, 1), "pad": (2, 2), "num_group": 2},
        {"kernel": (1, 1), "stride": (2, 2)},
        {"kernel": (5, 5), "pad": (2, 2), "num_group": 4, "no_bias": True},
    ],
)
def test_convolution(settings):
    check(mx.sym.Convolution(X, num_filter=8, **settings), x=(2, 4, 7, 8))


def test_convolution_along_one_axis_and_three():
    check(mx.sym.Convolution(X, num_filter=4, kernel=(3,), pad=(1,), stride=(2,)), x=(2, 4, 9))
    layer = mx.sym.Convolution(X, num_filter=4, kernel=(3, 2, 2), pad=(1, 0, 1))
    check(layer, x=(1, 3, 4, 5, 4))


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel": (3, 3)},
        {"kernel": (4, 4), "stride": (2, 2), "pad": (1, 1)},
        {"kernel": (3, 3), "stride": (2, 3), "pad": (1, 0), "adj": (1, 2), "no_bias": False},
        {"kernel": (4, 4), "stride": (2, 2), "num_group": 2},
    ],
)
def test_deconvolution(settings):
    check(mx.sym.Deconvolution(X, num_filter=6, **settings), x=(2, 4, 5, 6))


@pytest.mark.parametrize(
    ("kernel", "target", "padding"),
    [(4, (10, 12), {"pad": (1, 1)}), (3, (10, 11), {"pad": (1, 1), "adj": (1, 0)})],
)
def test_deconvolution_to_a_size(kernel, target, padding):
    """MXNet infers the size and then cannot compute it on a CPU."""
    settings = {"num_filter": 2, "kernel": (kernel,) * 2, "stride": (2, 2)}
    first = mx.sym.Deconvolution(X, name="d", target_shape=target, **settings)
    second = mx.sym.Deconvolution(X, name="d", **padding, **settings)
    rng = np.random.default_rng(0)
    values = {
        "x": rng.normal(size=(1, 3, 5, 6)),
        "d_weight": rng.normal(size=(3, 2, kernel, kernel)),
    }
    values = {name: value.astype(np.float32) for name, value in values.items()}
    (out,) = by_torch(first, values).outputs
    assert out.shape == first.infer_shape(x=(1, 3, 5, 6))[1][0]
    np.testing.assert_array_equal(out, by_torch(second, values).outputs[0])


def test_deconvolution_along_one_axis():
    layer = mx.sym.Deconvolution(X, num_filter=6, kernel=(4,), stride=(2,), pad=(1,), adj=(1,))
    check(layer, x=(2, 4, 5))


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_upsampling(scale):
    check(mx.sym.UpSampling(X, scale=scale, sample_type="nearest", num_args=1), x=(2, 3, 4, 5))
    weight = mx.sym.Variable("w")
    layer = mx.sym.UpSampling(X, weight, scale=scale, sample_type="bilinear", num_filter=3)
    check(layer, x=(2, 3, 4, 5))


@pytest.mark.parametrize("mode", ["concat", "sum"])
def test_upsampling_of_several_maps(mode):
    layer = mx.sym.UpSampling(
        X, mx.sym.Variable("y"), scale=4, sample_type="nearest", num_args=2, multi_input_mode=mode
    )
    check(layer, x=(2, 3, 2, 3), y=(2, 3, 4, 6))


@pytest.mark.parametrize(
    "settings",
    [
        {"height": 7, "width": 5},
        {"height": 3, "width": 9, "align_corners": False},
        {"scale_height": 2, "scale_width": 1.5},
        {"height": 1, "width": 1},
    ],
)
def test_bilinear_resize(settings):
    check(mx.sym.contrib.BilinearResize2D(X, **settings), 1e-5, x=(2, 3, 4, 6))


@pytest.mark.parametrize("mode", ["like", "odd_scale", "to_even_down", "to_odd_up"])
def test_bilinear_resize_by_modes(mode):
    like = (mx.sym.Variable("y"),) if mode == "like" else ()
    shapes = {"x": (2, 3, 4, 5), **({"y": (1, 1, 7, 6)} if like else {})}
    settings = {} if like else {"scale_height": 2.0, "scale_width": 2.0}
    values = {name: np.random.default_rng(0).normal(size=shape) for name, shape in shapes.items()}
    values = {name: value.astype(np.float32) for name, value in values.items()}
    # MXNet's gradient of the map whose size is taken is not initialized.
    symbol = mx.sym.contrib.BilinearResize2D(X, *like, mode=mode, **settings)
    same(symbol, values, 1e-5, gradients=False)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), 2, ()])
def test_adaptive_pooling(size):
    check(mx.sym.contrib.AdaptiveAvgPooling2D(X, output_size=size), x=(2, 3, 7, 5))


def test_half_precision_of_layers_alone():
    """Results and gradients are float32, off by bfloat16's three digits."""
    symbol = mx.sym.Convolution(X, num_filter=4, kernel=(3, 3), name="conv")
    symbol = mx.sym.FullyConnected(mx.sym.tanh(symbol), num_hidden=3, name="dense")
    shapes = dict(zip(symbol.list_arguments(), symbol.infer_shape(x=(2, 3, 6, 6))[0]))
    rng = np.random.default_rng(0)
    values = {n: torch.from_numpy(rng.normal(size=s).astype(np.float32)) for n, s in shapes.items()}
    program, results = Program(SymbolGraph.of(symbol)), []
    for precision in (None, torch.bfloat16):
        tensors = {name: value.clone().requires_grad_() for name, value in values.items()}
        (out,) = program(tensors, Run(training=True, precision=precision))
        out.sum().backward()
        gradients = [tensor.grad for tensor in tensors.values()]
        assert out.dtype == torch.float32
        assert all(grad.dtype == torch.float32 for grad in gradients)
        results.append(np.concatenate([x.detach().numpy().ravel() for x in [out, *gradients]]))
    close(*results, 0.02, "bfloat16")
    assert not np.allclose(*results, rtol=1e-4)
