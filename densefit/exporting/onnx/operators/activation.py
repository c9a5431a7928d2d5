"""Activations."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor

_ACTIVATIONS = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softrelu": "Softplus",
    "softsign": "Softsign",
}


@converts("Activation")
def activation(layer: Layer) -> Tensor:
    kind = layer.text("act_type")
    if kind == "log_sigmoid":
        return layer.emit("Log", layer.emit("Sigmoid", layer.data))
    if kind == "mish":
        return layer.emit("Mul", layer.data, layer.emit("Tanh", layer.emit("Softplus", layer.data)))
    if kind not in _ACTIVATIONS:
        raise layer.refusal(f"the activation {kind} is not supported")
    return layer.emit(_ACTIVATIONS[kind], layer.data)


@converts("LeakyReLU")
def leaky_relu(layer: Layer) -> Tensor | Sequence[Tensor]:
    data, kind, slope = layer.data, layer.text("act_type", "leaky"), layer.number("slope", 0.25)
    if kind == "leaky":
        return layer.emit("LeakyRelu", data, alpha=slope)
    if kind == "rrelu":  # the mean of the range outside of training
        slope = (layer.number("lower_bound", 0.125) + layer.number("upper_bound", 0.334)) / 2
        return [layer.emit("LeakyRelu", data, alpha=slope), layer.scalar(slope, data)]
    if kind == "elu":
        return layer.emit("Elu", data, alpha=slope)
    if kind == "selu":
        return layer.emit("Selu", data)
    if kind == "gelu":
        return gelu(layer)
    if kind == "prelu":
        gamma = layer.inputs[1]
        if gamma.rank == 1 and gamma.sizes != (1,):
            gamma = layer.unsqueeze(gamma, *range(1, data.rank - 1))
        return layer.emit("PRelu", data, gamma)
    raise layer.refusal(f"the activation {kind} is not supported")


def gelu(layer: Layer) -> Tensor:
    """x / 2 (1 + erf(x / sqrt(2)))."""
    data = layer.data
    error = layer.emit("Erf", layer.emit("Mul", data, layer.scalar(1 / math.sqrt(2), data)))
    half = layer.emit("Mul", data, layer.scalar(0.5, data))
    return layer.emit("Mul", half, layer.emit("Add", error, layer.scalar(1, data)))


@converts("softmax", "log_softmax", "softmin")
def softmax(layer: Layer) -> Tensor:
    if layer.flag("use_length"):
        raise layer.refusal("lengths of rows are not supported")
    data = layer.data
    temperature = layer.setting("temperature")
    if temperature not in (None, 1, 1.0):
        data = layer.emit("Div", data, layer.scalar(float(temperature), data))
    if layer.node.op == "softmin":
        data = layer.emit("Neg", data)
    op = "LogSoftmax" if layer.node.op == "log_softmax" else "Softmax"
    result = layer.emit(op, data, axis=layer.axis(-1))
    dtype = layer.text("dtype", "None")
    return result if dtype == "None" else layer.cast(result, dtype)


@converts("SoftmaxActivation")
def softmax_activation(layer: Layer) -> Tensor:
    is_by_channel = layer.text("mode", "instance") == "channel"
    return layer.emit("Softmax", layer.data, axis=1 if is_by_channel else layer.data.rank - 1)


def flat_softmax(layer: Layer) -> Tensor:
    """Softmax over all values of a sample."""
    data = layer.data
    if data.rank == 2:
        return layer.emit("Softmax", data, axis=1)
    flat = layer.emit("Flatten", data, axis=1)
    return layer.build.reshape(layer.emit("Softmax", flat, axis=1), data.sizes)


@converts("hard_sigmoid")
def hard_sigmoid(layer: Layer) -> Tensor:
    alpha, beta = layer.number("alpha", 0.2), layer.number("beta", 0.5)
    return layer.emit("HardSigmoid", layer.data, alpha=alpha, beta=beta)


@converts("clip")
def clip(layer: Layer) -> Tensor:
    limits = (layer.number(name) for name in ("a_min", "a_max"))
    low, high = (layer.constant(np.array(limit, layer.data.dtype)) for limit in limits)
    return layer.emit("Clip", layer.data, low, high)
