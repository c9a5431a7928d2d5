"""Products of matrices, and other linear algebra."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, Shape, rule


def _turned(shape: Shape, is_transposed: bool) -> Shape:
    """A matrix or stack of matrices, its last axes swapped."""
    return (*shape[:-2], shape[-1], shape[-2]) if is_transposed else shape


@rule("dot")
def dot(shapes: NodeShapes) -> None:
    """Sum over the last axis of the first and the first axis of the second array."""
    left, right = shapes.whole(0), shapes.whole(1)
    if left is None or right is None:
        return
    if len(left) == len(right) == 1:
        shapes.require(left == right, f"{left} times {right}")
        shapes.set_output((1,))
        return
    if shapes.flag("transpose_a"):
        left = (*left[1:], left[0])
    if shapes.flag("transpose_b"):
        right = (right[-1], *right[:-1])
    shapes.require(left[-1] == right[0], f"{left} times {right}")
    shapes.set_output((*left[:-1], *right[1:]) or (1,))


@rule("batch_dot")
def batch_dot(shapes: NodeShapes) -> None:
    """Products of the matrices of two stacks."""
    if shapes.inputs[0] is None or shapes.inputs[1] is None:
        return
    left = _turned(shapes.inputs[0], shapes.flag("transpose_a"))
    right = _turned(shapes.inputs[1], shapes.flag("transpose_b"))
    shapes.require(left[-1] == right[-2] or 0 in (left[-1], right[-2]), f"{left} times {right}")
    batch = all(x == y or 0 in (x, y) for x, y in zip(left[:-2], right[:-2]))
    shapes.require(len(left) == len(right) and batch, f"{left} times {right}")
    shapes.set_output((*left[:-1], right[-1]))


@rule("_linalg_gemm", "_linalg_gemm2")
def gemm(shapes: NodeShapes) -> None:
    """Products of the matrices of two stacks, plus a third."""
    left, right = shapes.whole(0), shapes.whole(1)
    if left is None or right is None:
        return
    axis = shapes.axis("axis", len(left))
    if axis != len(left) - 2:  # the rows stand elsewhere
        rows, columns = axis, len(left) - 1
    else:
        rows, columns = len(left) - 2, len(left) - 1
    a = (left[columns], left[rows]) if shapes.flag("transpose_a") else (left[rows], left[columns])
    b = (
        (right[columns], right[rows])
        if shapes.flag("transpose_b")
        else (right[rows], right[columns])
    )
    shapes.require(a[1] == b[0], f"{left} times {right}")
    out = list(left)
    out[rows], out[columns] = a[0], b[1]
    shapes.set_output(out)
    if len(shapes.inputs) > 2:
        shapes.set_input(2, out)


@rule("_linalg_potrf", "_linalg_potri", "_linalg_inverse", "_linalg_trmm", "_linalg_trsm")
def square(shapes: NodeShapes) -> None:
    """The output has the shape of the last input."""
    shapes.set_output(shapes.whole(len(shapes.inputs) - 1))


@rule("_linalg_syrk")
def syrk(shapes: NodeShapes) -> None:
    """A matrix times its transpose."""
    shape = shapes.whole(0)
    if shape is not None:
        side = shape[-1] if shapes.flag("transpose") else shape[-2]
        shapes.set_output((*shape[:-2], side, side))


@rule("_linalg_sumlogdiag", "_linalg_det")
def determinant(shapes: NodeShapes) -> None:
    """A number for each matrix."""
    shape = shapes.whole(0)
    if shape is not None:
        shapes.set_output(shape[:-2] or (1,))
    for position in range(1, len(shapes.outputs)):
        if shape is not None:
            shapes.set_output(shape if position == 1 else shape[:-1], position)


@rule("_linalg_slogdet")
def slogdet(shapes: NodeShapes) -> None:
    """Sign and logarithm for each matrix."""
    shape = shapes.whole(0)
    if shape is None:
        return
    for position, out in enumerate([shape[:-2] or (1,)] * 2 + [shape, shape[:-1]]):
        shapes.set_output(out, position)


@rule("khatri_rao")
def khatri_rao(shapes: NodeShapes) -> None:
    """Products of the columns of matrices."""
    rows = 1
    columns = 0
    for position in range(len(shapes.inputs)):
        shape = shapes.whole(position)
        if shape is None:
            return
        rows, columns = rows * shape[0], shape[1]
    shapes.set_output((rows, columns))


@rule("_linalg_extractdiag", "_linalg_makediag", "_linalg_extracttrian", "_linalg_maketrian")
def diagonals(shapes: NodeShapes) -> None:
    """Diagonals and triangles of matrices, and matrices of them."""
    shape = shapes.whole(0)
    if shape is None or shapes.node.operator is None:
        return
    offset, name = shapes.number("offset"), shapes.node.operator.name
    if name == "_linalg_extractdiag":
        shapes.set_output((*shape[:-2], shape[-1] - abs(offset)))
    elif name == "_linalg_makediag":
        side = shape[-1] + abs(offset)
        shapes.set_output((*shape[:-1], side, side))
    elif name == "_linalg_extracttrian":
        side = shape[-1] - abs(offset)
        lower = shapes.flag("lower") if offset == 0 else offset < 0
        is_inner = (offset > 0) != lower if offset else True
        count = side * (side + 1) // 2 if is_inner else 0
        shapes.set_output((*shape[:-2], count))
    else:
        side = int(((8 * shape[-1] + 1) ** 0.5 - 1) / 2 + 0.5) + abs(offset)
        shapes.set_output((*shape[:-1], side, side))
