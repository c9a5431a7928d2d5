"""Operators that cut, join and repeat arrays."""

from __future__ import annotations

import math

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


@rule("SliceChannel")
def slice_channel(shapes: NodeShapes) -> None:
    """Equal parts of an axis."""
    shape, count = shapes.inputs[0], shapes.number("num_outputs")
    if shape is None:
        return
    axis = shapes.axis("axis", len(shape))
    shapes.require(shape[axis] % count == 0, f"{shape[axis]} in {count} parts")
    part = shape[axis] // count
    if shapes.flag("squeeze_axis"):
        shapes.require(part in (0, 1), f"axis {axis} of the parts is {part}, not 1")
        out = shape[:axis] + shape[axis + 1 :]
    else:
        out = (*shape[:axis], part, *shape[axis + 1 :])
    for position in range(count):
        shapes.set_output(out, position)


@rule("_split_v2")
def split_v2(shapes: NodeShapes) -> None:
    """Parts of an axis between indices, or equal ones."""
    shape = shapes.whole(0)
    if shape is None:
        return
    axis, sections = shapes.axis("axis", len(shape)), shapes.number("sections")
    length = shape[axis]
    shapes.require(not sections or length % sections == 0, f"{length} in {sections} parts")
    step = length // sections if sections else 0
    starts = [i * step for i in range(sections)] if sections else list(shapes.numbers("indices"))
    for position, (start, end) in enumerate(zip(starts, [*starts[1:], length])):
        part = max(end - start, 0)
        middle = () if shapes.flag("squeeze_axis") and part == 1 else (part,)
        shapes.set_output((*shape[:axis], *middle, *shape[axis + 1 :]), position)


def _sliced(length: int, begin: int | None, end: int | None, step: int | None) -> int:
    """Length of a slice of an axis, as in Python; 0 if the axis is unknown."""
    if not length:
        return 0
    return len(range(*slice(begin, end, step or None).indices(length)))


@rule("slice")
def slice_axes(shapes: NodeShapes) -> None:
    """Slices of the first axes."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    begin, end, step = (shapes.numbers(name) for name in ("begin", "end", "step"))
    out = list(shape)
    for axis, (first, last) in enumerate(zip(begin, end)):
        by = step[axis] if axis < len(step) else None
        out[axis] = _sliced(shape[axis], first, last, by)
        shapes.require(
            bool(out[axis]) or not shape[axis], f"axis {axis} of {shape}: {first} to {last}"
        )
    shapes.set_output(out)


@rule("slice_axis")
def slice_axis(shapes: NodeShapes) -> None:
    """A slice of one axis."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    axis = shapes.axis("axis", len(shape))
    begin, end = shapes.number("begin"), shapes.value("end")
    part = _sliced(shape[axis], begin, end, 1)
    shapes.require(bool(part) or not shape[axis], f"{begin} to {end} of {shape[axis]}")
    shapes.set_output((*shape[:axis], part, *shape[axis + 1 :]))


@rule("slice_like")
def slice_like(shapes: NodeShapes) -> None:
    """The beginning of each axis, or some, as long as another array's."""
    shape, other = shapes.inputs
    if shape is None or other is None:
        return
    out = list(shape)
    for axis in shapes.numbers("axes") or range(len(shape)):
        axis += len(shape) if axis < 0 else 0
        shapes.require(0 <= axis < min(len(shape), len(other)), f"axis {axis} of {shape}, {other}")
        shapes.require(other[axis] <= shape[axis] or not shape[axis], f"{other} of {shape}")
        out[axis] = other[axis]
    shapes.set_output(out)


@rule("_slice_assign", "_scatter_set_nd")
def slice_assign(shapes: NodeShapes) -> None:
    """The output has the shape of the first input."""
    shapes.set_output(shapes.inputs[0])


@rule("_slice_assign_scalar")
def slice_assign_scalar(shapes: NodeShapes) -> None:
    """The output has the shape of the input."""
    shapes.set_output(shapes.inputs[0])


@rule("Crop")
def crop(shapes: NodeShapes) -> None:
    """Crop an image to the height and width of another, or of a setting."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    if len(shapes.inputs) > 1:
        other = shapes.inputs[1]
        if other is None:
            return
        shapes.set_output((*shape[:2], *other[2:]))
    else:
        shapes.set_output((*shape[:2], *shapes.numbers("h_w")))


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


@rule("_arange", "_contrib_arange")
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
