"""Operators that join, repeat and pad arrays."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, rule, size


@rule("Concat", "_rnn_param_concat")
def concat(shapes: NodeShapes) -> None:
    """Join along an axis; an unknown part of the axis follows from the others."""
    known_shapes = [shape for shape in (*shapes.inputs, *shapes.outputs) if shape is not None]
    if not known_shapes:
        return
    axis = shapes.axis("dim", len(known_shapes[0]))
    length = len(known_shapes[0])
    common = [0] * length
    for shape in known_shapes:
        shapes.require(len(shape) == length, f"{shape} beside {known_shapes[0]}")
        for i, dimension in enumerate(shape):
            if i != axis and dimension:
                shapes.require(common[i] in (0, dimension), f"{shape} beside {common}")
                common[i] = dimension
    parts = [0 if shape is None else shape[axis] for shape in shapes.inputs]
    out = shapes.outputs[0]
    total = out[axis] if out is not None else 0
    if all(parts):
        total = sum(parts)
    elif total and parts.count(0) == 1:
        parts[parts.index(0)] = total - sum(parts)
    for position, part in enumerate(parts):
        shapes.set_input(position, (*common[:axis], part, *common[axis + 1 :]))
    shapes.set_output((*common[:axis], total, *common[axis + 1 :]))


@rule("stack")
def stack(shapes: NodeShapes) -> None:
    """Join along a new axis."""
    known_shapes = [shape for shape in shapes.inputs if shape is not None]
    if not known_shapes:
        return
    for position in range(len(shapes.inputs)):
        for shape in known_shapes:
            shapes.set_input(position, shape)
    shape = known_shapes[0]
    axis = shapes.number("axis")
    shapes.require(-len(shape) - 1 <= axis <= len(shape), f"axis {axis} of {shape}")
    at = axis + len(shape) + 1 if axis < 0 else axis
    merged_shape = shapes.inputs[0]
    if merged_shape is not None:
        shapes.set_output((*merged_shape[:at], len(shapes.inputs), *merged_shape[at:]))


@rule("tile")
def tile(shapes: NodeShapes) -> None:
    """Repeat the array along axes."""
    shape, times = shapes.whole(0), shapes.numbers("reps")
    if shape is None:
        return
    length = max(len(shape), len(times))
    padded = (1,) * (length - len(shape)) + shape
    factors = (1,) * (length - len(times)) + times
    shapes.set_output([n * factor for n, factor in zip(padded, factors)])


@rule("repeat")
def repeat(shapes: NodeShapes) -> None:
    """Repeat the elements of an axis, or of the flat array."""
    shape, times = shapes.whole(0), shapes.number("repeats")
    if shape is None:
        return
    if shapes.text("axis") == "None":
        shapes.set_output((size(shape) * times,))
        return
    axis = shapes.axis("axis", len(shape))
    shapes.set_output((*shape[:axis], shape[axis] * times, *shape[axis + 1 :]))


@rule("Pad")
def pad(shapes: NodeShapes) -> None:
    """Pad axes at both ends."""
    shape = shapes.whole(0)
    if shape is not None:
        width = shapes.numbers("pad_width")
        shapes.set_output(
            [n + before + after for n, before, after in zip(shape, width[::2], width[1::2])]
        )


@rule("diag")
def diag(shapes: NodeShapes) -> None:
    """The diagonal of two axes, or a matrix with a diagonal."""
    shape, offset = shapes.whole(0), shapes.number("k")
    if shape is None:
        return
    if len(shape) == 1:
        shapes.set_output((shape[0] + abs(offset),) * 2)
        return
    first, second = (shapes.axis(name, len(shape)) for name in ("axis1", "axis2"))
    rows, columns = shape[first], shape[second]
    length = min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)
    rest = [n for i, n in enumerate(shape) if i not in (first, second)]
    shapes.set_output((*rest, max(length, 0)))
