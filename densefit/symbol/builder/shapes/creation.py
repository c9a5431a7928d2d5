"""Operators that make arrays of numbers."""

from __future__ import annotations

import math

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, rule


@rule("_arange")
def arange(shapes: NodeShapes) -> None:
    """Numbers from start to stop."""
    if shapes.flag("infer_range"):
        return
    start, stop, step = (shapes.value(name) for name in ("start", "stop", "step"))
    if stop is None:
        start, stop = 0, start
    count = math.ceil((stop - start) / step)
    shapes.require(count > 0, f"from {start} to {stop} by {step}")
    shapes.set_output((count * shapes.number("repeat"),))


@rule("_linspace")
def linspace(shapes: NodeShapes) -> None:
    """A count of numbers."""
    shapes.set_output((shapes.number("num"),))


@rule("_contrib_arange_like")
def arange_like(shapes: NodeShapes) -> None:
    """As many numbers as an axis, or an array, has elements."""
    shape = shapes.whole(0)
    if shape is None:
        return
    if shapes.text("axis") == "None":
        shapes.set_output(shape)
    else:
        shapes.set_output((shape[shapes.axis("axis", len(shape))],))


@rule("_eye")
def eye(shapes: NodeShapes) -> None:
    """A matrix."""
    rows, columns = shapes.number("N"), shapes.number("M")
    shapes.set_output((rows, columns or rows))


@rule("_zeros", "_ones", "_full", "_zeros_without_dtype")
def constant(shapes: NodeShapes) -> None:
    """The shape of the setting."""
    shapes.set_output(shapes.numbers("shape") or None)


@rule("shape_array")
def shape_array(shapes: NodeShapes) -> None:
    """A number for each dimension."""
    if shapes.inputs[0] is not None:
        shapes.set_output((len(shapes.inputs[0]),))


@rule("size_array")
def size_array(shapes: NodeShapes) -> None:
    """One number."""
    if shapes.inputs[0] is not None:
        shapes.set_output((1,))


@rule("_histogram")
def histogram(shapes: NodeShapes) -> None:
    """Counts, and the edges of their bins."""
    edges = shapes.inputs[1] if len(shapes.inputs) > 1 else None
    count = shapes.value("bin_cnt")
    if count is None and edges is not None and edges[0]:
        count = edges[0] - 1
    if count is not None:
        shapes.set_output((count,))
        shapes.set_output((count + 1,), 1)
