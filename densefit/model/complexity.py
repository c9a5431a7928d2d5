"""How many multiplications and additions a graph takes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from densefit.model.symbol_graph import Node, SymbolGraph

Shape = tuple[int, ...]


def multiply_adds(symbol: Any, **shapes: Shape) -> dict[str, int]:
    """Count the multiply-adds of a Symbol's layers with weights and matrix products.

    One multiplication and the addition of its product are one; biases, normalizations,
    activations, pooling and resampling (a product with a matrix that depends on no input and no
    parameter) are left out, as in published figures.

    Args:
        symbol: any.
        shapes: shapes of the inputs, for example `data=(1, 3, 224, 224)`.

    Returns:
        name of a layer -> multiply-adds, in the order of the graph; layers of unknown shape are
        left out.
    """
    internals, outputs = SymbolGraph.of(symbol).internals
    _, inferred, _ = internals.infer_shape_partial(**shapes)
    shape_of = {(out.node, out.number): tuple(shape) for out, shape in zip(outputs, inferred)}
    counts: dict[str, int] = {}
    varying: set[Node] = set()
    for node, _ in shape_of:
        if node.is_variable or any(source.node in varying for source in node.inputs):
            varying.add(node)
    for (node, number), result in shape_of.items():
        if number or node.op not in _COUNTS or node.is_variable:
            continue
        read = [shape_of.get((source.node, source.number), ()) for source in node.inputs]
        if result and all(read) and all(source.node in varying for source in node.inputs):
            counts[node.name] = counts.get(node.name, 0) + _COUNTS[node.op](node, read, result)
    return counts


def _convolution(node: Node, read: list[Shape], result: Shape) -> int:
    """Each element of the result reads a window in the channels of its group."""
    return prod(result) * prod(read[1][1:])


def _transposed(node: Node, read: list[Shape], result: Shape) -> int:
    """Each element of the data is written to a window in the channels of its group."""
    return prod(read[0]) * prod(read[1][1:])


def _dense(node: Node, read: list[Shape], result: Shape) -> int:
    return prod(result) * read[1][1]


def _product(node: Node, read: list[Shape], result: Shape) -> int:
    """A product of matrices: each element of the result reads a row."""
    transposed = node.flag("transpose_a")
    if node.op == "batch_dot":
        return prod(result) * read[0][-2 if transposed else -1]
    return prod(result) * read[0][0 if transposed else -1]


_COUNTS: dict[str, Callable[[Node, list[Shape], Shape], int]] = {
    "Convolution": _convolution,
    "Deconvolution": _transposed,
    "FullyConnected": _dense,
    "dot": _product,
    "batch_dot": _product,
}
