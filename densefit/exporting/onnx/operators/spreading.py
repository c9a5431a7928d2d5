"""Repeated elements: broadcasts, tiles, repeats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor


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
