"""Constants and ranges, and repeated elements: broadcasts, tiles, repeats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor, is_dynamic, product


@converts("_zeros", "_ones", "_full", "_zeros_without_dtype")
def full(layer: Layer) -> Tensor:
    """Equal numbers; of an axis of unknown size (0) one, which is broadcast."""
    value = {"_ones": 1.0, "_full": layer.number("value", 0.0)}.get(layer.node.op, 0.0)
    shape = [max(int(size), 1) for size in layer.sizes("shape")]
    return layer.constant(np.full(shape, value, _dtype(layer)))


@converts("_arange")
def arange(layer: Layer) -> Tensor:
    start, stop = layer.number("start", 0.0), layer.setting("stop")
    first, last = (0.0, start) if stop is None else (start, float(stop))
    step = layer.number("step", 1.0)
    count = max(int(np.ceil((last - first) / step)), 0)
    values = (first + step * np.arange(count)).astype(_dtype(layer))
    return layer.constant(np.repeat(values, layer.integer("repeat", 1)))


@converts("_linspace")
def linspace(layer: Layer) -> Tensor:
    values = np.linspace(
        layer.number("start"),
        layer.number("stop"),
        layer.integer("num"),
        endpoint=layer.flag("endpoint", True),
    )
    return layer.constant(values.astype(_dtype(layer)))


@converts("_eye")
def eye(layer: Layer) -> Tensor:
    rows = layer.integer("N")
    columns = layer.integer("M", 0) or rows
    return layer.constant(np.eye(rows, columns, layer.integer("k", 0), _dtype(layer)))


@converts("zeros_like", "ones_like", "_contrib_fill_like")
def like(layer: Layer) -> Tensor:
    value = layer.constant(float(layer.node.op == "ones_like"), layer.data.dtype)
    return expanded(layer, value, layer.data.sizes)


@converts("_contrib_arange_like")
def arange_like(layer: Layer) -> Tensor:
    data = layer.data
    has_axis = layer.setting("axis") is not None
    count = data.sizes[layer.axis()] if has_axis else product(data.sizes)
    start, step = layer.number("start", 0.0), layer.number("step", 1.0)
    repeat = layer.integer("repeat", 1)
    if not is_dynamic(count):
        numbers = np.repeat(start + step * np.arange(-(-count // repeat)), repeat)[:count]
        values = layer.constant(numbers.astype(data.dtype))
    else:
        length = layer.squeeze(layer.build.shape_of([count]), 0)
        zero, step_1 = layer.constant(0, np.int64), layer.constant(1, np.int64)
        values = layer.cast(layer.emit("Range", zero, length, step_1, shape=(count,)), data.dtype)
        if repeat != 1:
            values = layer.emit("Floor", layer.emit("Div", values, layer.scalar(repeat, values)))
        values = layer.emit("Mul", values, layer.scalar(step, values)) if step != 1 else values
        values = layer.emit("Add", values, layer.scalar(start, values)) if start else values
    return values if has_axis else layer.build.reshape(values, data.sizes)


@converts("shape_array")
def shape_array(layer: Layer) -> Tensor:
    return layer.build.shape_of(layer.data.sizes)


@converts("size_array")
def size_array(layer: Layer) -> Tensor:
    return layer.build.shape_of([product(layer.data.sizes)])


def _dtype(layer: Layer) -> np.dtype:
    text = layer.text("dtype", "float32")
    return np.dtype("float32" if text in ("None", "-1") else text)


def expanded(layer: Layer, data: Tensor, shape: Sequence[int]) -> Tensor:
    """Broadcast to a shape."""
    if data.shape == tuple(shape):
        return data
    return layer.emit("Expand", data, layer.build.shape_of(shape), shape=tuple(shape))


@converts("broadcast_to")
def broadcast_to(layer: Layer) -> Tensor:
    target = [int(size) for size in layer.sizes("shape")]
    padded = [0] * (layer.data.rank - len(target)) + target
    sizes = [1] * (len(padded) - layer.data.rank) + list(layer.data.sizes)
    return expanded(layer, layer.data, [new or old for new, old in zip(padded, sizes)])


@converts("broadcast_like")
def broadcast_like(layer: Layer) -> Tensor:
    data, like = layer.inputs
    axes, likes = layer.sizes("lhs_axes"), layer.sizes("rhs_axes")
    shape = list(data.sizes if axes else like.sizes)
    for axis, source in zip(axes, likes):
        shape[int(axis) % data.rank] = like.sizes[int(source) % like.rank]
    return expanded(layer, data, shape)


@converts("broadcast_axis")
def broadcast_axis(layer: Layer) -> Tensor:
    shape = list(layer.data.sizes)
    for axis, size in zip(layer.sizes("axis"), layer.sizes("size")):
        shape[int(axis) % layer.data.rank] = int(size)
    return expanded(layer, layer.data, shape)


@converts("tile")
def tile(layer: Layer) -> Tensor:
    times = [int(count) for count in layer.sizes("reps")]
    data = layer.data
    if len(times) > data.rank:
        data = layer.unsqueeze(data, *range(len(times) - data.rank))
    times = [1] * (data.rank - len(times)) + times
    shape = tuple(size * count for size, count in zip(data.sizes, times))
    return layer.emit("Tile", data, layer.constant(times, np.int64), shape=shape)


@converts("repeat")
def repeat(layer: Layer) -> Tensor:
    """Repeat each element of an axis, by an axis of its own behind it."""
    times, data = layer.integer("repeats"), layer.data
    if layer.setting("axis") is None:
        data, axis = layer.emit("Reshape", data, layer.constant([-1], np.int64)), 0
        if None in data.shape:
            raise layer.refusal("all elements of a batch in one row have no fixed number")
    else:
        axis = layer.axis()
    sizes = data.sizes
    copies = expanded(
        layer,
        layer.unsqueeze(data, axis + 1),
        (*sizes[: axis + 1], times, *sizes[axis + 1 :]),
    )
    return layer.build.reshape(copies, (*sizes[:axis], sizes[axis] * times, *sizes[axis + 1 :]))
