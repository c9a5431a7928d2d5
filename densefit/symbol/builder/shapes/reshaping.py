"""Operators that give the same elements another shape, by codes or like another array."""

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
