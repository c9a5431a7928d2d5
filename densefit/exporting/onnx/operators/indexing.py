"""Elements by their indices, which MXNet keeps as floats."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor


def within(layer: Layer, indices: Tensor, size: int, mode: str = "clip") -> Tensor:
    """int64 indices from 0 to size - 1.

    Args:
        layer: layer that is converted.
        indices: indices of any type.
        size: length of the axis.
        mode: "clip" or "wrap".
    """
    whole = layer.cast(indices, np.int64)
    length = layer.build.shape_of([size])
    if mode == "wrap":
        return layer.emit("Mod", whole, length)
    last = layer.emit("Sub", length, layer.constant(1, np.int64))
    return layer.emit("Max", layer.emit("Min", whole, last), layer.constant(0, np.int64))


@converts("take")
def take(layer: Layer) -> Tensor:
    data, indices = layer.inputs
    axis = layer.axis(0)
    chosen = within(layer, indices, data.sizes[axis], layer.text("mode", "clip"))
    return layer.emit("Gather", data, chosen, axis=axis)


@converts("Embedding")
def embedding(layer: Layer) -> Tensor:
    indices, weight = layer.inputs
    return layer.emit("Gather", weight, within(layer, indices, weight.sizes[0]), axis=0)


@converts("pick", "batch_take", "choose_element_0index")
def pick(layer: Layer) -> Tensor:
    data, indices = layer.inputs
    axis = layer.axis(-1) if layer.node.op == "pick" else 1
    chosen = within(layer, indices, data.sizes[axis], layer.text("mode", "clip"))
    if indices.rank < data.rank:
        chosen = layer.unsqueeze(chosen, axis)
    result = layer.emit("GatherElements", data, chosen, axis=axis)
    return result if layer.flag("keepdims") else layer.squeeze(result, axis)


@converts("gather_nd")
def gather_nd(layer: Layer) -> Tensor:
    data, indices = layer.inputs
    return layer.emit("GatherND", data, _coordinates(layer, indices))


@converts("scatter_nd", "_scatter_set_nd")
def scatter_nd(layer: Layer) -> Tensor:
    if layer.node.op == "scatter_nd":
        values, indices = layer.inputs
        shape = [int(size) for size in layer.sizes("shape")]
        data = layer.constant(np.zeros(shape, values.dtype))
    else:
        data, values, indices = layer.inputs
    return layer.emit("ScatterND", data, _coordinates(layer, indices), values)


def _coordinates(layer: Layer, indices: Tensor) -> Tensor:
    """The coordinates of an element in the last axis, which are in the first of MXNet's."""
    order = [*range(1, indices.rank), 0]
    return layer.cast(layer.emit("Transpose", indices, perm=order), np.int64)


@converts("one_hot")
def one_hot(layer: Layer) -> Tensor:
    """Rows with one element of `on_value`; none for an index that is out of range."""
    dtype = np.dtype(layer.text("dtype", "float32"))
    numbers = layer.constant(np.arange(layer.integer("depth")), np.int64)
    column = layer.unsqueeze(layer.cast(layer.data, np.int64), layer.data.rank)
    values = [layer.number("on_value", 1.0), layer.number("off_value", 0.0)]
    on, off = (layer.constant(value, dtype) for value in values)
    return layer.emit("Where", layer.emit("Equal", column, numbers), on, off)


@converts("fill_element_0index")
def fill_element(layer: Layer) -> Tensor:
    data, values, indices = layer.inputs
    column = layer.unsqueeze(layer.cast(indices, np.int64), 1)
    return layer.emit("ScatterElements", data, column, layer.unsqueeze(values, 1), axis=1)
