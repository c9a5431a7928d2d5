"""Recurrent layers, whose weights are one vector in MXNet, and sequences of several lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.operators.creation import expanded
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor

#: Mode -> operator of ONNX, and MXNet's gates in its order.
_MODES: dict[str, tuple[str, tuple[int, ...]]] = {
    "lstm": ("LSTM", (0, 3, 1, 2)),  # input, forget, cell, output -> input, output, forget, cell
    "gru": ("GRU", (1, 0, 2)),  # reset, update, new -> update, reset, new
    "rnn_tanh": ("RNN", (0,)),
    "rnn_relu": ("RNN", (0,)),
}


@converts("RNN")
def rnn(layer: Layer) -> list[Tensor]:
    """Layers one after the other: (T, N, directions * H), and the last states."""
    data, flat, *states = layer.inputs
    mode = layer.text("mode")
    if mode not in _MODES or flat.value is None:
        raise layer.refusal("its weights are computed, or its mode is unknown")
    unsupported = ("projection_size", "lstm_state_clip_min", "lstm_state_clip_max")
    stated = [name for name in unsupported if layer.setting(name) is not None]
    if stated or layer.flag("use_sequence_length"):
        raise layer.refusal(f"{', '.join(stated) or 'use_sequence_length'} is not supported")
    op, gates = _MODES[mode]
    size, depth = layer.integer("state_size"), layer.integer("num_layers")
    directions = 2 if layer.flag("bidirectional") else 1
    steps, rows, width = data.sizes
    weights = _unpacked(flat.value, width, size, depth, directions, gates)
    ends: list[list[Tensor]] = []
    for number in range(depth):
        # A state of zeros may have no rows of its own; they are those of the data.
        start = [
            expanded(
                layer,
                state
                if state.sizes[0] == 1
                else layer.slice(state, 0, number * directions, (number + 1) * directions),
                (directions, rows, size),
            )
            for state in states[: 2 if op == "LSTM" else 1]
        ]
        settings: dict[str, Any] = {
            "hidden_size": size,
            "direction": "bidirectional" if directions == 2 else "forward",
            "linear_before_reset": 1 if op == "GRU" else None,
            "activations": ["Relu"] * directions if mode == "rnn_relu" else None,
        }
        w, r, b = (layer.constant(array) for array in weights[number])
        result, *last = layer.build.emit_all(
            op, data, w, r, b, None, *start, outputs=3 if op == "LSTM" else 2, **settings
        )
        turned = layer.emit("Transpose", result, perm=[0, 2, 1, 3])
        data = layer.build.reshape(turned, (steps, rows, directions * size))
        ends.append(last)
    joined = [
        parts[0] if depth == 1 else layer.emit("Concat", *parts, axis=0) for parts in zip(*ends)
    ]
    return [data, *joined]


def _unpacked(
    flat: np.ndarray, width: int, size: int, depth: int, directions: int, gates: tuple[int, ...]
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(input weights, recurrent weights, biases) of each layer, in ONNX's order of gates.

    Args:
        flat: all weights, layer by layer, then all biases.
        width: width of the input.
        size: width of the state.
        depth: number of layers.
        directions: 1 or 2.
        gates: MXNet's gates in ONNX's order.
    """
    rows = len(gates) * size
    position = 0

    def next_array(*shape: int) -> np.ndarray:
        nonlocal position
        count = int(np.prod(shape))
        array = flat[position : position + count].reshape(shape)
        position += count
        parts = np.split(array, len(gates), axis=0)
        return np.concatenate([parts[gate] for gate in gates])

    matrices, biases = [], []
    for number in range(depth):
        columns = width if number == 0 else size * directions
        pairs = [(next_array(rows, columns), next_array(rows, size)) for _ in range(directions)]
        matrices.append([np.stack(side) for side in zip(*pairs)])
    for _ in range(depth):
        pairs = [(next_array(rows), next_array(rows)) for _ in range(directions)]
        biases.append(np.stack([np.concatenate(pair) for pair in pairs]))
    return [(left, right, bias) for (left, right), bias in zip(matrices, biases)]


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
