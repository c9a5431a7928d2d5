"""Operators that read or write entries by index."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, rule


@rule("take")
def take(shapes: NodeShapes) -> None:
    """Entries of an axis."""
    shape, index = shapes.whole(0), shapes.whole(1)
    if shape is not None and index is not None:
        axis = shapes.axis("axis", len(shape))
        shapes.set_output((*shape[:axis], *index, *shape[axis + 1 :]))


@rule("Embedding", "_contrib_SparseEmbedding")
def embedding(shapes: NodeShapes) -> None:
    """Rows of a weight (entries, width)."""
    width = shapes.number("output_dim")
    index = shapes.inputs[0]
    if index is not None:
        shapes.set_input(1, (shapes.number("input_dim"), width))
        shapes.set_output((*index, width))


@rule("batch_take")
def batch_take(shapes: NodeShapes) -> None:
    """One entry of each row."""
    shape = shapes.inputs[0]
    if shape is not None:
        shapes.set_input(1, shape[:-1])
        shapes.set_output(shape[:-1])


@rule("gather_nd")
def gather_nd(shapes: NodeShapes) -> None:
    """Entries by columns of indices."""
    shape, index = shapes.inputs
    if shape is not None and index is not None and index[0]:
        shapes.require(index[0] <= len(shape), f"{index[0]} indices into {shape}")
        shapes.set_output((*index[1:], *shape[index[0] :]))


@rule("scatter_nd", "_backward_gather_nd")
def scatter_nd(shapes: NodeShapes) -> None:
    """An array of a shape, written by columns of indices."""
    shapes.set_output(shapes.numbers("shape"))


@rule("one_hot")
def one_hot(shapes: NodeShapes) -> None:
    """A new last axis."""
    shape = shapes.inputs[0]
    if shape is not None:
        shapes.set_output((*shape, shapes.number("depth")))


@rule("_ravel_multi_index")
def ravel(shapes: NodeShapes) -> None:
    """Columns of indices become numbers."""
    shape = shapes.inputs[0]
    if shape is not None:
        shapes.set_output(shape[1:])


@rule("_unravel_index")
def unravel(shapes: NodeShapes) -> None:
    """Numbers become columns of indices."""
    shape = shapes.inputs[0]
    if shape is not None:
        shapes.set_output((len(shapes.numbers("shape")), *shape))


@rule("_contrib_index_copy", "_contrib_index_add")
def index_copy(shapes: NodeShapes) -> None:
    """The output has the shape of the first input."""
    shapes.set_output(shapes.inputs[0])


@rule("_contrib_index_array")
def index_array(shapes: NodeShapes) -> None:
    """The indices of each entry."""
    shape = shapes.whole(0)
    if shape is not None:
        axes = shapes.numbers("axes")
        shapes.set_output((*shape, len(axes) or len(shape)))


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
