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


@rule("scatter_nd")
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


@rule("_contrib_index_copy")
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
