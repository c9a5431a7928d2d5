"""Operators on sequences (length, batch, ...)."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, rule


@rule("SequenceMask", "SequenceReverse")
def sequence_mask(shapes: NodeShapes) -> None:
    """Sequences (length, batch, ...) of given lengths."""
    _lengths(shapes)
    shapes.set_output(shapes.inputs[0])


@rule("SequenceLast")
def sequence_last(shapes: NodeShapes) -> None:
    """The last entry of each sequence."""
    _lengths(shapes)
    shape = shapes.inputs[0]
    if shape is not None:
        rows = shape[1] if shapes.number("axis") == 0 else shape[0]
        shapes.set_output((rows, *shape[2:]))


def _lengths(shapes: NodeShapes) -> None:
    shape = shapes.inputs[0]
    if shape is not None and len(shapes.inputs) > 1:
        has_axis = shapes.text("axis") not in ("", "0")
        shapes.set_input(1, shape[0:1] if has_axis else shape[1:2])


@rule("RNN")
def rnn(shapes: NodeShapes) -> None:
    """A recurrent network over (length, batch, inputs)."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    length, batch, inputs = shape
    layers, units = shapes.number("num_layers"), shapes.number("state_size")
    directions = 1 + shapes.flag("bidirectional")
    mode = shapes.text("mode")
    projected = shapes.value("projection_size") if mode == "lstm" else None
    width = projected or units
    state = (layers * directions, batch, width)
    cell = (layers * directions, batch, units)
    names = list(shapes.node.form.inputs)
    if batch:
        shapes.set_input(2, state)
        if "state_cell" in names:
            shapes.set_input(names.index("state_cell"), cell)
        if "sequence_length" in names:
            shapes.set_input(names.index("sequence_length"), (batch,))
    if inputs:
        shapes.set_input(1, (_rnn_size(mode, inputs, units, layers, directions, projected),))
    shapes.set_output((length, batch, directions * width))
    if shapes.flag("state_outputs"):
        shapes.set_output(state, 1)
        shapes.set_output(cell, 2)


def _rnn_size(
    mode: str, inputs: int, units: int, layers: int, directions: int, projected: int | None
) -> int:
    """Number of all weights and biases."""
    gates = {"lstm": 4, "gru": 3}.get(mode, 1)
    width = projected or units
    first = gates * units * (inputs + width + 2)
    upper = gates * units * (directions * width + width + 2)
    count = directions * (first + (layers - 1) * upper)
    return count + (layers * directions * units * projected if projected else 0)


@rule("_contrib_interleaved_matmul_selfatt_qk")
def self_attention_scores(shapes: NodeShapes) -> None:
    """Scores of queries and keys that are interleaved with values."""
    shape = shapes.whole(0)
    if shape is not None:
        shapes.set_output((shape[1] * shapes.number("heads"), shape[0], shape[0]))


@rule("_contrib_interleaved_matmul_selfatt_valatt")
def self_attention(shapes: NodeShapes) -> None:
    """Values weighted by attention."""
    shape = shapes.whole(0)
    if shape is not None:
        shapes.set_output((*shape[:2], shape[2] // 3))


@rule("_contrib_interleaved_matmul_encdec_qk")
def attention_scores(shapes: NodeShapes) -> None:
    """Scores of queries against keys that are interleaved with values."""
    queries, keys = shapes.whole(0), shapes.whole(1)
    if queries is not None and keys is not None:
        shapes.set_output((queries[1] * shapes.number("heads"), queries[0], keys[0]))


@rule("_contrib_interleaved_matmul_encdec_valatt")
def attention(shapes: NodeShapes) -> None:
    """Values weighted by attention."""
    values, weights = shapes.whole(0), shapes.whole(1)
    if values is not None and weights is not None:
        shapes.set_output((weights[1], values[1], values[2] // 2))
