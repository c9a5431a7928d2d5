"""Normalisations, with the moving statistics where there are any."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor, product


@converts("BatchNorm", "BatchNorm_v1", "_contrib_SyncBatchNorm", "_contrib_BatchNormWithReLU")
def batch_norm(layer: Layer) -> Tensor:
    data, gamma, beta, mean, variance = layer.inputs
    if layer.used - {0}:
        raise layer.refusal("its mean and variance are read as outputs")
    if layer.flag("fix_gamma", True):
        gamma = layer.constant(np.ones(gamma.sizes, gamma.dtype))
    epsilon = layer.number("eps", 1e-3)
    axis = layer.axis(1)
    if axis == 1:
        result = layer.emit(
            "BatchNormalization", data, gamma, beta, mean, variance, epsilon=epsilon
        )
    else:
        deviation = layer.emit("Sqrt", layer.emit("Add", variance, layer.scalar(epsilon, mean)))
        scale = layer.emit("Div", gamma, deviation)
        shift = layer.emit("Sub", beta, layer.emit("Mul", mean, scale))
        result = scaled(layer, data, scale, shift, axis)
    with_relu = layer.node.op == "_contrib_BatchNormWithReLU"
    return layer.emit("Relu", result) if with_relu else result


def scaled(layer: Layer, data: Tensor, scale: Tensor, shift: Tensor, axis: int) -> Tensor:
    """data * scale + shift, with the values of scale and shift along one axis."""
    column = [1] * data.rank
    column[axis] = -1
    shape = layer.constant(column, np.int64)
    scale, shift = (layer.emit("Reshape", tensor, shape) for tensor in (scale, shift))
    return layer.emit("Add", layer.emit("Mul", data, scale), shift)


def standardized(layer: Layer, data: Tensor, axes: list[int], epsilon: float) -> Tensor:
    """(data - mean) / sqrt(variance + epsilon) over some axes."""
    mean = layer.build.reduce("ReduceMean", data, axes, keepdims=True)
    centred = layer.emit("Sub", data, mean)
    square = layer.emit("Mul", centred, centred)
    variance = layer.build.reduce("ReduceMean", square, axes, keepdims=True)
    total = layer.emit("Add", variance, layer.scalar(epsilon, data))
    return layer.emit("Div", centred, layer.emit("Sqrt", total))


@converts("InstanceNorm")
def instance_norm(layer: Layer) -> Tensor:
    data, gamma, beta = layer.inputs
    epsilon = layer.number("eps", 1e-3)
    return layer.emit("InstanceNormalization", data, gamma, beta, epsilon=epsilon)


@converts("LayerNorm")
def layer_norm(layer: Layer) -> Tensor:
    data, gamma, beta = layer.inputs
    if layer.used - {0}:
        raise layer.refusal("its mean and deviation are read as outputs")
    axis, epsilon = layer.axis(-1), layer.number("eps", 1e-5)
    if axis == data.rank - 1 and layer.build.opset >= 17:
        return layer.emit("LayerNormalization", data, gamma, beta, axis=axis, epsilon=epsilon)
    return scaled(layer, standardized(layer, data, [axis], epsilon), gamma, beta, axis)


@converts("GroupNorm")
def group_norm(layer: Layer) -> Tensor:
    data, gamma, beta = layer.inputs
    if layer.used - {0}:
        raise layer.refusal("its mean and deviation are read as outputs")
    groups = layer.integer("num_groups", 1)
    rows, channels, *rest = data.sizes
    cut = layer.build.reshape(data, (rows, groups, channels // groups * product(rest)))
    normal = standardized(layer, cut, [2], layer.number("eps", 1e-5))
    if gamma.sizes == (groups,) and groups != channels:
        normal = scaled(layer, normal, gamma, beta, 1)
        return layer.build.reshape(normal, data.sizes)
    return scaled(layer, layer.build.reshape(normal, data.sizes), gamma, beta, 1)


@converts("L2Normalization")
def l2_normalization(layer: Layer) -> Tensor:
    rank, mode = layer.data.rank, layer.text("mode", "instance")
    axes = {
        "instance": list(range(1, rank)),
        "channel": [1],
        "spatial": list(range(2, rank)),
    }[mode]
    square = layer.emit("Mul", layer.data, layer.data)
    total = layer.build.reduce("ReduceSum", square, axes, keepdims=True)
    epsilon = layer.scalar(layer.number("eps", 1e-10), layer.data)
    return layer.emit("Div", layer.data, layer.emit("Sqrt", layer.emit("Add", total, epsilon)))


@converts("LRN")
def lrn(layer: Layer) -> Tensor:
    return layer.emit(
        "LRN",
        layer.data,
        size=layer.integer("nsize"),
        alpha=layer.number("alpha", 1e-4),
        beta=layer.number("beta", 0.75),
        bias=layer.number("knorm", 2.0),
    )
