"""Ranges of axes."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor


@converts("slice")
def slice_ranges(layer: Layer) -> Tensor:
    data = layer.data
    begins, ends = layer.sizes("begin"), layer.sizes("end")
    steps = layer.sizes("step") or (None,) * len(begins)
    for axis, (begin, end, step) in enumerate(zip(begins, ends, steps)):
        data = layer.slice(data, axis, begin, end, step or 1)
    return data


@converts("slice_axis")
def slice_axis(layer: Layer) -> Tensor:
    return layer.slice(layer.data, layer.axis(), layer.setting("begin"), layer.setting("end"))


@converts("slice_like")
def slice_like(layer: Layer) -> Tensor:
    data, like = layer.inputs
    axes = [int(axis) % data.rank for axis in layer.sizes("axes")] or range(like.rank)
    for axis in axes:
        data = layer.slice(data, axis, 0, like.sizes[axis])
    return data


@converts("Crop")
def crop(layer: Layer) -> Tensor:
    """Cut rows and columns, to the size of a second input or to `h_w`."""
    height, width = layer.data.sizes[2:]
    sizes = layer.inputs[1].sizes[2:] if len(layer.inputs) > 1 else layer.sizes("h_w")
    top, left = (int(edge) for edge in layer.sizes("offset", (0, 0)))
    if layer.flag("center_crop"):
        top, left = (height - sizes[0]) // 2, (width - sizes[1]) // 2
    rows = layer.slice(layer.data, 2, top, top + int(sizes[0]))
    return layer.slice(rows, 3, left, left + int(sizes[1]))


@converts("reverse")
def reverse(layer: Layer) -> Tensor:
    data = layer.data
    for axis in layer.sizes("axis"):
        data = layer.slice(data, int(axis) % data.rank, None, None, -1)
    return data


@converts("diag")
def diagonal(layer: Layer) -> Tensor:
    """The diagonal of a matrix, or the matrix of one."""
    data, offset = layer.data, layer.integer("k", 0)
    if data.rank > 2 or any(size > 4096 for size in data.sizes):
        raise layer.refusal("diagonals of matrices of fixed size are supported")
    if data.rank == 1:
        eye = layer.constant(np.eye(data.sizes[0]), data.dtype)
        product = layer.emit("Mul", layer.unsqueeze(data, 1), eye)
        pads = [max(-offset, 0), max(offset, 0), max(offset, 0), max(-offset, 0)]
        return layer.emit("Pad", product, layer.constant(pads, np.int64)) if offset else product
    rows, columns = data.sizes
    numbers = np.diagonal(np.arange(rows * columns).reshape(rows, columns), offset)
    flat = layer.emit("Reshape", data, layer.constant([-1], np.int64))
    return layer.emit("Gather", flat, layer.constant(numbers, np.int64))
