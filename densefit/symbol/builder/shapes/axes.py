"""Operators that add, drop and move axes."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, rule, size


@rule("expand_dims")
def expand_dims(shapes: NodeShapes) -> None:
    """A new axis of size 1."""
    shape, out = shapes.inputs[0], shapes.outputs[0]
    axis = shapes.number("axis")
    if shape is not None:
        shapes.require(-len(shape) - 1 <= axis <= len(shape), f"axis {axis} of {shape}")
        at = axis + len(shape) + 1 if axis < 0 else axis
        shapes.set_output((*shape[:at], 1, *shape[at:]))
    elif out is not None:
        at = axis % len(out)
        shapes.set_input(0, (*out[:at], *out[at + 1 :]))
    if shape is not None and shapes.outputs[0] is not None:
        out = shapes.outputs[0]
        at = axis + len(shape) + 1 if axis < 0 else axis
        shapes.set_input(0, (*out[:at], *out[at + 1 :]))


@rule("squeeze")
def squeeze(shapes: NodeShapes) -> None:
    """Drop axes of size 1."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    if shapes.text("axis") in ("None", ""):
        out = tuple(n for n in shape if n != 1)
    else:
        axes = [axis % len(shape) for axis in shapes.numbers("axis")]
        for axis in axes:
            shapes.require(shape[axis] in (0, 1), f"axis {axis} of {shape} is not 1")
        out = tuple(n for i, n in enumerate(shape) if i not in axes)
    shapes.set_output(out or (1,))


@rule("transpose")
def transpose(shapes: NodeShapes) -> None:
    """Permute axes, reverse them by default."""
    shape, out = shapes.inputs[0], shapes.outputs[0]
    length = len(shape if shape is not None else out if out is not None else ())
    if not length:
        return
    axes = list(shapes.numbers("axes")) or list(range(length))[::-1]
    shapes.require(sorted(axes) == list(range(length)), f"axes {axes} of {length} dimensions")
    if shape is not None:
        shapes.set_output([shape[axis] for axis in axes])
    out = shapes.outputs[0]
    if out is not None:
        shapes.set_input(0, [out[axes.index(i)] for i in range(length)])


@rule("SwapAxis")
def swap_axes(shapes: NodeShapes) -> None:
    """Swap two axes."""
    shape = shapes.inputs[0]
    if shape is not None:
        out = list(shape)
        first, second = (shapes.axis(name, len(shape)) for name in ("dim1", "dim2"))
        out[first], out[second] = out[second], out[first]
        shapes.set_output(out)


@rule("depth_to_space")
def depth_to_space(shapes: NodeShapes) -> None:
    """Channels become pixels."""
    shape, block = shapes.whole(0), shapes.number("block_size")
    if shape is not None:
        n, c, h, w = shape
        shapes.require(c % block**2 == 0, f"{c} channels in blocks of {block}")
        shapes.set_output((n, c // block**2, h * block, w * block))


@rule("space_to_depth")
def space_to_depth(shapes: NodeShapes) -> None:
    """Pixels become channels."""
    shape, block = shapes.whole(0), shapes.number("block_size")
    if shape is not None:
        n, c, h, w = shape
        shapes.require(h % block == 0 and w % block == 0, f"{h} by {w} in blocks of {block}")
        shapes.set_output((n, c * block**2, h // block, w // block))


@rule("im2col")
def im2col(shapes: NodeShapes) -> None:
    """Windows of an image become columns."""
    shape = shapes.whole(0)
    if shape is not None:
        kernel = shapes.numbers("kernel")
        steps = [
            shapes.numbers(name) or (default,) * len(kernel)
            for name, default in (("stride", 1), ("dilate", 1), ("pad", 0))
        ]
        windows = [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, d, p in zip(shape[2:], kernel, *steps)
        ]
        shapes.set_output((shape[0], shape[1] * size(kernel), size(tuple(windows))))


@rule("col2im")
def col2im(shapes: NodeShapes) -> None:
    """Columns are added up to an image."""
    shape = shapes.whole(0)
    if shape is not None:
        channels = shape[1] // size(shapes.numbers("kernel"))
        shapes.set_output((shape[0], channels, *shapes.numbers("output_size")))
