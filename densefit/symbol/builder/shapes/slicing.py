"""Operators that cut arrays."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, rule


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
