"""Parts of axes: cut out, split, joined and padded."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor, is_dynamic


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
        size = like.sizes[axis]
        if is_dynamic(size) and data.shape[axis] != size:
            raise layer.refusal(
                "it cuts to the size of the batch", "df.export(..., batch=...) fixes the batch"
            )
        data = layer.slice(data, axis, 0, size)
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


@converts("Concat", "_rnn_param_concat")
def concat(layer: Layer) -> Tensor:
    axis = layer.axis(1, "dim")
    return layer.emit("Concat", *layer.inputs, axis=axis)


@converts("stack")
def stack(layer: Layer) -> Tensor:
    axis = layer.axis(rank=layer.data.rank + 1)
    parts = [layer.unsqueeze(tensor, axis) for tensor in layer.inputs]
    return layer.emit("Concat", *parts, axis=axis)


@converts("SliceChannel", "_split_v2")
def split(layer: Layer) -> list[Tensor]:
    if layer.node.op == "SliceChannel":
        axis, count = layer.axis(1), layer.integer("num_outputs")
        edges = list(range(0, layer.data.sizes[axis], layer.data.sizes[axis] // count))
    else:
        axis, count = layer.axis(0), layer.integer("sections", 0)
        size = layer.data.sizes[axis]
        edges = list(range(0, size, size // count)) if count else list(layer.sizes("indices"))
    size = layer.data.sizes[axis]
    if is_dynamic(size):
        raise layer.refusal("it splits the batch", "df.export(..., batch=...) fixes the batch")
    lengths = [end - start for start, end in zip(edges, [*edges[1:], size])]
    if layer.used and len(layer.used) == 1:  # a slice is less than a split with unused outputs
        (number,) = layer.used
        start = edges[number]
        part = layer.slice(layer.data, axis, start, start + lengths[number])
        parts = [part] * len(lengths)
    else:
        sizes = layer.constant(lengths, np.int64)
        parts = layer.build.emit_all("Split", layer.data, sizes, outputs=len(lengths), axis=axis)
    if not layer.flag("squeeze_axis"):
        return parts
    return [layer.squeeze(part, axis) if n in layer.used else part for n, part in enumerate(parts)]


@converts("Pad")
def pad(layer: Layer) -> Tensor:
    widths = [int(width) for width in layer.sizes("pad_width")]
    mode = layer.text("mode", "constant")
    pads = layer.constant([*widths[::2], *widths[1::2]], np.int64)
    if mode != "constant":
        return layer.emit("Pad", layer.data, pads, mode=mode)
    value = layer.scalar(layer.number("constant_value", 0.0), layer.data)
    return layer.emit("Pad", layer.data, pads, value)
