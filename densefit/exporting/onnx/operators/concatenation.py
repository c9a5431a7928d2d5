"""Joining and splitting of tensors, and padding."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor


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
