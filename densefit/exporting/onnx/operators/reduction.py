"""Reductions over axes; over all axes MXNet gives an array of one number."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import CONVERTERS, Converter, converts
from densefit.exporting.onnx.tensor import Tensor

_REDUCTIONS = {
    "sum": "ReduceSum",
    "mean": "ReduceMean",
    "max": "ReduceMax",
    "min": "ReduceMin",
    "prod": "ReduceProd",
}


def reduced(layer: Layer, op: str, data: Tensor, axes: list[int]) -> Tensor:
    """A reduction with the shape that MXNet gives it."""
    if not axes:
        return data
    keeps = layer.flag("keepdims")
    result = layer.build.reduce(op, data, axes, keeps)
    if result.rank:
        return result
    return layer.emit("Reshape", result, layer.constant([1], np.int64))


def _reduction(op: str) -> Converter:
    return lambda layer: reduced(layer, op, layer.data, layer.axes())


for _name, _op in _REDUCTIONS.items():
    CONVERTERS[_name] = _reduction(_op)


@converts("nansum", "nanprod")
def without_nan(layer: Layer) -> Tensor:
    is_sum = layer.node.op == "nansum"
    neutral = layer.scalar(0 if is_sum else 1, layer.data)
    data = layer.emit("Where", layer.emit("IsNaN", layer.data), neutral, layer.data)
    return reduced(layer, "ReduceSum" if is_sum else "ReduceProd", data, layer.axes())


@converts("norm")
def norm(layer: Layer) -> Tensor:
    order = layer.integer("ord", 2)
    if order not in (1, 2):
        raise layer.refusal(f"norms of order 1 and 2 are supported, not {order}")
    return reduced(layer, f"ReduceL{order}", layer.data, layer.axes())


@converts("moments")
def moments(layer: Layer) -> list[Tensor]:
    axes, keeps = layer.axes("axes"), layer.flag("keepdims")
    mean = layer.build.reduce("ReduceMean", layer.data, axes, True)
    centred = layer.emit("Sub", layer.data, mean)
    square = layer.emit("Mul", centred, centred)
    variance = layer.build.reduce("ReduceMean", square, axes, keeps)
    return [mean if keeps else layer.squeeze(mean, *axes), variance]


@converts("argmax", "argmin", "argmax_channel")
def argmax(layer: Layer) -> Tensor:
    op = "ArgMin" if layer.node.op == "argmin" else "ArgMax"
    data, keeps = layer.data, layer.flag("keepdims")
    if layer.node.op == "argmax_channel":
        return layer.cast(layer.emit(op, data, axis=1, keepdims=0), data.dtype)
    if layer.setting("axis") is None:
        flat = layer.emit("Reshape", data, layer.constant([-1], np.int64))
        result = layer.emit(op, flat, axis=0, keepdims=1)
        if keeps:
            result = layer.build.reshape(result, (1,) * data.rank)
        return layer.cast(result, data.dtype)
    result = layer.emit(op, data, axis=layer.axis(), keepdims=int(keeps))
    if not result.rank:
        result = layer.emit("Reshape", result, layer.constant([1], np.int64))
    return layer.cast(result, data.dtype)
