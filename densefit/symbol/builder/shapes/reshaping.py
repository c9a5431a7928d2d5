"""Operators that give the same elements another shape, or move axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, Shape, is_known, rule, size


def _reshaped(shapes: NodeShapes, shape: Shape, codes: Sequence[int]) -> Shape:
    """Shape by MXNet's codes: 0 copies a dimension, -1 is inferred, -2 copies all that follow.

    -3 merges two dimensions, -4 splits one into the two sizes that follow it.
    """
    out: list[int] = []
    at, inferred = 0, None
    following = iter(codes)
    for code in following:
        if code == 0:
            shapes.require(at < len(shape), f"{shape} by {tuple(codes)}")
            out.append(shape[at])
        elif code == -1:
            shapes.require(inferred is None, f"two dimensions of {tuple(codes)} are -1")
            inferred = len(out)
            out.append(1)
        elif code == -2:
            out += shape[at:]
            at = len(shape) - 1
        elif code == -3:
            shapes.require(at + 1 < len(shape), f"{shape} by {tuple(codes)}")
            out.append(shape[at] * shape[at + 1])
            at += 1
        elif code == -4:
            shapes.require(at < len(shape), f"{shape} by {tuple(codes)}")
            out += _split(shapes, shape[at], following)
        else:
            out.append(code)
        at += 1
    if inferred is not None:
        product = size(tuple(out))
        complete = is_known(shape) and product
        shapes.require(not complete or size(shape) % product == 0, f"{shape} by {tuple(codes)}")
        out[inferred] = size(shape) // product if complete else 0
    return tuple(out)


def _split(shapes: NodeShapes, dimension: int, codes: Iterator[int]) -> list[int]:
    left, right = next(codes, -1), next(codes, -1)
    shapes.require((left, right) != (-1, -1), "both parts of a split dimension are -1")
    if left == -1:
        left = dimension // right
    if right == -1:
        right = dimension // left
    fits = not dimension or left * right == dimension
    shapes.require(fits, f"{dimension} into {left} by {right}")
    return [left, right]


def _complete(shape: Shape | None, other: Shape | None) -> Shape | None:
    """The only unknown dimension of a shape that has as many elements as another."""
    if shape is None or other is None or not is_known(other) or shape.count(0) != 1:
        return shape
    product = size(tuple(n for n in shape if n))
    return tuple(n or size(other) // product for n in shape)


@rule("Reshape")
def reshape(shapes: NodeShapes) -> None:
    """Reshape by codes, from the front or, with `reverse`, from the back."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    codes = shapes.numbers("shape")
    if codes:
        if shapes.flag("reverse"):
            out = _reshaped(shapes, shape[::-1], _reversed_codes(codes))[::-1]
        else:
            out = _reshaped(shapes, shape, codes)
    else:
        out = _old_target(shapes, shape)
        if not out:
            return
    if is_known(shape) and is_known(out):
        shapes.require(size(shape) == size(out), f"{shape} to {out}")
    shapes.set_output(_complete(out, shape))
    shapes.set_input(0, _complete(shape, shapes.outputs[0]))


def _reversed_codes(codes: Sequence[int]) -> list[int]:
    """Codes from the back; the sizes of a split stay behind it."""
    groups: list[list[int]] = []
    following = iter(codes)
    for code in following:
        groups.append([code, next(following), next(following)][::1] if code == -4 else [code])
    return [code for group in groups[::-1] for code in (group[:1] + group[1:][::-1])]


def _old_target(shapes: NodeShapes, shape: Shape) -> Shape:
    """Output by the setting `target_shape` of old graphs, where 0 is inferred."""
    target = list(shapes.numbers("target_shape"))
    first = 1 if shapes.flag("keep_highest") and target else 0
    if first:
        target[0] = shape[0]
    if target[first:].count(0) == 1 and is_known(shape):
        at = target.index(0, first)
        target[at] = size(shape) // size(tuple(n for i, n in enumerate(target) if i != at))
    return tuple(target)


@rule("reshape_like")
def reshape_like(shapes: NodeShapes) -> None:
    """Reshape to the shape of another array, or a range of its axes."""
    left, right = shapes.inputs
    if left is None or right is None:
        return
    ends = []
    for prefix, shape in (("lhs", left), ("rhs", right)):
        begin, end = shapes.value(f"{prefix}_begin") or 0, shapes.value(f"{prefix}_end")
        end = len(shape) if end is None else end
        ends.append(tuple(at + len(shape) if at < 0 else at for at in (begin, end)))
    (begin, end), (other_begin, other_end) = ends
    shapes.set_output((*left[:begin], *right[other_begin:other_end], *left[end:]))


@rule("Flatten")
def flatten(shapes: NodeShapes) -> None:
    """All axes but the first become one."""
    shape = shapes.inputs[0]
    if shape is not None:
        shapes.set_output((shape[0], size(shape[1:])))


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
