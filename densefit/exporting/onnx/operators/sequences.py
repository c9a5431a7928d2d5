"""Sequences of several lengths."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor


def _has_lengths(layer: Layer) -> bool:
    return layer.flag("use_sequence_length") and len(layer.inputs) > 1


@converts("SequenceMask")
def sequence_mask(layer: Layer) -> Tensor:
    data = layer.data
    if not _has_lengths(layer):
        return data
    axis = layer.axis(0)
    steps = layer.constant(np.arange(data.sizes[axis]), np.int64)
    steps = layer.unsqueeze(steps, 1 - axis)
    lengths = layer.unsqueeze(layer.cast(layer.inputs[1], np.int64), axis)
    is_inside = layer.emit("Less", steps, lengths)
    if data.rank > 2:
        is_inside = layer.unsqueeze(is_inside, *range(2, data.rank))
    return layer.emit("Where", is_inside, data, layer.scalar(layer.number("value", 0.0), data))


@converts("SequenceLast")
def sequence_last(layer: Layer) -> Tensor:
    data, axis = layer.data, layer.axis(0)
    if not _has_lengths(layer):
        return layer.squeeze(layer.slice(data, axis, -1, None), axis)
    lengths = layer.cast(layer.inputs[1], np.int64)
    last = layer.unsqueeze(layer.emit("Sub", lengths, layer.constant(1, np.int64)), 1)
    if axis == 0:
        order = [1, 0, *range(2, data.rank)]
        data = layer.emit("Transpose", data, perm=order)
    return layer.emit("GatherND", data, last, batch_dims=1)


@converts("SequenceReverse")
def sequence_reverse(layer: Layer) -> Tensor:
    if not _has_lengths(layer):
        return layer.slice(layer.data, 0, None, None, -1)
    lengths = layer.cast(layer.inputs[1], np.int64)
    return layer.emit("ReverseSequence", layer.data, lengths, time_axis=0, batch_axis=1)
