"""Operators that reduce axes, and those that sort or choose along one."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, Shape, rule, size


def without_axes(shapes: NodeShapes, shape: Shape, axes: tuple[int, ...]) -> Shape:
    """A shape whose axes are reduced, 1 or left out by `keepdims`."""
    for axis in axes:
        shapes.require(-len(shape) <= axis < len(shape), f"axis {axis} of {shape}")
    reduced = {axis % len(shape) for axis in axes}
    if shapes.flag("keepdims"):
        return tuple(1 if i in reduced else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in reduced) or (1,)


@rule("sum", "mean", "prod", "nansum", "nanprod", "max", "min", "_square_sum")
def reduce(shapes: NodeShapes) -> None:
    """Reduce some axes, all by default."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    axes = shapes.numbers("axis")
    if shapes.flag("exclude"):
        kept_axes = {axis % len(shape) for axis in axes}
        axes = tuple(i for i in range(len(shape)) if i not in kept_axes)
        if not axes:
            shapes.set_output(shape)
            return
    shapes.set_output(without_axes(shapes, shape, axes or tuple(range(len(shape)))))


@rule("norm")
def norm(shapes: NodeShapes) -> None:
    """Reduce one axis, two or all."""
    shape = shapes.inputs[0]
    if shape is not None:
        axes = shapes.numbers("axis") or tuple(range(len(shape)))
        shapes.set_output(without_axes(shapes, shape, axes))


@rule("moments")
def moments(shapes: NodeShapes) -> None:
    """Mean and variance over axes."""
    shape = shapes.inputs[0]
    if shape is not None:
        axes = shapes.numbers("axes") or tuple(range(len(shape)))
        for position in range(2):
            shapes.set_output(without_axes(shapes, shape, axes), position)


@rule("argmax", "argmin")
def argmax(shapes: NodeShapes) -> None:
    """Reduce one axis, or the flat array."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    axes = shapes.numbers("axis") or tuple(range(len(shape)))
    shapes.set_output(without_axes(shapes, shape, axes))


@rule("argmax_channel")
def argmax_channel(shapes: NodeShapes) -> None:
    """The best channel, of the second axis."""
    shape = shapes.whole(0)
    if shape is not None:
        shapes.set_output((shape[0], *shape[2:]))


@rule("topk", "sort", "argsort")
def sort(shapes: NodeShapes) -> None:
    """All or the first k entries of an axis, or of the flat array."""
    shape = shapes.whole(0)
    if shape is None:
        return
    if shapes.text("axis") == "None":
        shape, axis = (size(shape),), 0
    else:
        axis = shapes.axis("axis", len(shape))
    is_topk = shapes.node.operator is not None and shapes.node.operator.name == "topk"
    count = shapes.number("k") if is_topk else 0
    if is_topk and shapes.text("ret_typ") == "mask":
        shapes.set_output(shapes.inputs[0])
        return
    shapes.require(count <= shape[axis], f"{count} of {shape[axis]}")
    count = count if count > 0 else shape[axis]
    for position in range(len(shapes.outputs)):
        shapes.set_output((*shape[:axis], count, *shape[axis + 1 :]), position)


@rule("pick")
def pick(shapes: NodeShapes) -> None:
    """One entry of an axis; the index has the shape without it, or with 1."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    if shapes.text("axis") == "None":
        shapes.set_output((size(shape),))
        return
    axis = shapes.axis("axis", len(shape))
    rest = shape[:axis] + shape[axis + 1 :]
    index = shapes.inputs[1]
    kept_shape = (*shape[:axis], 1, *shape[axis + 1 :])
    if index is None or len(index) == len(rest):
        shapes.set_input(1, rest)
    else:
        shapes.set_input(1, kept_shape)
    shapes.set_output(kept_shape if shapes.flag("keepdims") else rest or (1,))


@rule("softmax_cross_entropy")
def softmax_cross_entropy(shapes: NodeShapes) -> None:
    """One number for all rows."""
    shape = shapes.inputs[0]
    if shape is not None:
        shapes.set_input(1, shape[:1])
    shapes.set_output((1,))


@rule("all_finite", "multi_all_finite", "_contrib_allclose")
def one_number(shapes: NodeShapes) -> None:
    """One number."""
    shapes.set_output((1,))


@rule("multi_sum_sq")
def multi_sum_sq(shapes: NodeShapes) -> None:
    """One number for each input."""
    shapes.set_output((len(shapes.inputs),))


@rule("_np_cumsum")
def cumsum(shapes: NodeShapes) -> None:
    """Sums along an axis, or of the flat array."""
    shape = shapes.whole(0)
    if shape is not None:
        shapes.set_output((size(shape),) if shapes.text("axis") == "None" else shape)
