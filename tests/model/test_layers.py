"""Shared layers."""

import numpy as np
import pytest
import torch

from densefit.model.heads.head import Features
from densefit.model.layers import (
    conv_bn,
    pooled_logits,
    separable_conv_bn,
    strongest,
    upsample,
)
from densefit.symbol import sym
from tests.executor import Executor, compute
from tests.references import smp_parts


def run(symbol, x):
    executor = Executor(symbol, data=x.shape)
    executor.forward(is_train=True, data=x)
    out = executor.outputs[0]
    executor.backward(np.arange(out.size).reshape(out.shape) % 7)
    return out, executor.grad_dict["data"]


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_upsample_is_bilinear_resizing(factor):
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype(np.float32)
    data = sym.Variable("data")
    ours = run(upsample(data, factor, (5, 4), (5 * factor, 4 * factor)), x)
    theirs = run(
        sym.contrib.BilinearResize2D(
            data, height=5 * factor, width=4 * factor, align_corners=False
        ),
        x,
    )
    for mine, other in zip(ours, theirs):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("out", [(17, 13), (20, 16), (18, 16), (1, 1)])
def test_upsample_cuts_the_overhang(out):
    """Cells stay over their own pixels, at any size of the image."""
    x = np.random.default_rng(0).normal(size=(1, 2, 5, 4)).astype(np.float32)
    data = sym.Variable("data")
    whole, _ = run(upsample(data, 4, (5, 4), (20, 16)), x)
    cut, _ = run(upsample(data, 4, (5, 4), out), x)
    np.testing.assert_allclose(cut, whole[:, :, : out[0], : out[1]], rtol=1e-6)


def test_upsample_by_one():
    x = np.random.default_rng(0).normal(size=(1, 2, 5, 4)).astype(np.float32)
    data = sym.Variable("data")
    np.testing.assert_array_equal(run(upsample(data, 1, (5, 4), (5, 4)), x)[0], x)
    np.testing.assert_array_equal(run(upsample(data, 1, (5, 4), (3, 4)), x)[0], x[:, :, :3])


def test_upsample_adds_no_parameter():
    assert upsample(sym.Variable("data"), 4, (5, 4), (20, 16)).list_arguments() == ["data"]


@pytest.mark.parametrize(
    ("stride", "dilation", "kernel"), [(1, 1, 3), (2, 1, 3), (1, 4, 3), (2, 1, 7)]
)
def test_conv_bn_keeps_sizes(stride, dilation, kernel):
    symbol = conv_bn(
        sym.Variable("data"), "c", 4, kernel, stride=stride, dilation=dilation, groups=2
    )
    _, (shape,), _ = symbol.infer_shape(data=(2, 2, 13, 9))
    assert shape == (2, 4, -(-13 // stride), -(-9 // stride))
    names = {*symbol.list_arguments(), *symbol.list_auxiliary_states()} - {"data"}
    expected = {"c_weight"} | {f"c_bn_{k}" for k in ("gamma", "beta", "moving_mean", "moving_var")}
    assert names == expected


def test_conv_bn_activations():
    data = sym.Variable("data")
    names = [
        conv_bn(data, "c", 4, activation=kind).list_outputs() for kind in ("relu", "relu6", None)
    ]
    assert names == [["c_relu_output"], ["c_relu6_output"], ["c_bn_output"]]
    with pytest.warns(DeprecationWarning, match="activation="):
        formerly = conv_bn(data, "c", 4, relu=None)
    assert formerly.list_outputs() == names[2]


def test_pooled_logits_are_a_dense_layer_on_the_mean_of_the_deepest_map():
    rng = np.random.default_rng(0)
    deep = rng.normal(size=(2, 5, 3, 4)).astype(np.float32)
    weight, bias = (rng.normal(size=size).astype(np.float32) for size in ((6, 5), (6,)))
    maps = {8: sym.Variable("shallow"), 32: sym.Variable("deep")}
    symbol = pooled_logits(Features(maps, {8: 4, 32: 5}, (96, 128)), "own", 6, dropout=0.5)
    given = {"deep": deep, "own_class_weight": weight, "own_class_bias": bias}
    assert set(symbol.list_arguments()) == set(given)
    (out,) = compute(symbol, given)
    expected = deep.mean(axis=(2, 3)) @ weight.T + bias
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("factor", "out"), [(4, (20, 16)), (4, (18, 13)), (2, (9, 8)), (1, (5, 3))]
)
def test_the_strongest_channel_is_that_of_the_enlarged_map(factor, out):
    x = np.random.default_rng(0).normal(size=(2, 7, 5, 4)).astype(np.float32)
    data = sym.Variable("data")
    whole = run(upsample(data, factor, (5, 4), out), x)[0]
    executor = Executor(strongest(data, factor, (5, 4), out), data=x.shape, gradients=False)
    found = executor.forward(is_train=False, data=x)[0]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, whole.argmax(axis=1))


@pytest.mark.parametrize("dilation", [1, 3])
def test_separable_convolutions_are_those_of_a_reference(dilation):
    modules = smp_parts.part("decoders.deeplabv3.decoder")
    layer = modules.SeparableConv2d(4, 6, 3, padding=dilation, dilation=dilation, bias=False)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 4, 9, 7)).astype(np.float32)
    symbol = separable_conv_bn(sym.Variable("data"), "s", 4, 6, dilation=dilation)
    executor = Executor(symbol, data=x.shape)
    assert set(executor.arg_dict) - {"data"} == {
        "s_depthwise_weight",
        "s_weight",
        "s_bn_gamma",
        "s_bn_beta",
    }
    executor.arg_dict["s_depthwise_weight"][:] = layer[0].weight.detach().numpy()
    executor.arg_dict["s_weight"][:] = layer[1].weight.detach().numpy()
    executor.arg_dict["s_bn_gamma"][:] = 1
    executor.aux_dict["s_bn_moving_var"][:] = 1
    expected = layer(torch.from_numpy(x)).relu().detach().numpy() / np.sqrt(1 + 1e-5)
    (ours,) = executor.forward(is_train=False, data=x)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)
