"""Strides of the layers of a graph: how many pixels of the image a cell of their output spans."""

from __future__ import annotations

from typing import Any, NamedTuple

from densefit.model.symbol_graph import Node, SymbolGraph

Shape = tuple[int, ...]


class Layer(NamedTuple):
    """A layer, or a variable, of a graph.

    Attributes:
        stride: a power of two.
        shape: of its first output; () if unknown.
        is_map: whether that is a map (B, C, h, w) at the stride.
    """

    stride: int
    shape: Shape
    is_map: bool


def layers(symbol: Any, **data: Shape) -> dict[str, Layer]:
    """Name of each layer and variable -> its stride and shape, in the order of the graph.

    What is no map of the image (a vector, a map with its channels last) has the stride of its first
    input, and a parameter that of the layer that reads it.

    >>> from densefit.symbol import sym
    >>> x = sym.Pooling(sym.Variable("data"), kernel=(2, 2), stride=(2, 2), name="pool")
    >>> x = layers(sym.mean(x, axis=(2, 3), name="mean"), data=(1, 3, 8, 8))
    >>> {name: layer.stride for name, layer in x.items()}
    {'data': 1, 'pool': 2, 'mean': 2}

    Args:
        symbol: the graph.
        data: name and shape (B, 3, H, W) of the image.
    """
    ((image, size),) = data.items()
    internals, outputs = SymbolGraph.of(symbol).internals
    _, inferred, _ = internals.infer_shape_partial(**data)
    first = {out.node: tuple(shape) for out, shape in zip(outputs, inferred) if not out.number}
    strides: dict[Node, int] = {}
    are_maps: set[Node] = set()
    for node, shape in first.items():
        before = [strides[source.node] for source in node.inputs if source.node in strides]
        stride = _stride(shape, size[2:]) if before or node.name == image else None
        if stride is not None:
            are_maps.add(node)
        elif before:
            stride = before[0]
        if stride is not None:
            strides[node] = stride
    for node in reversed(first):
        for source in node.inputs:
            if node in strides:
                strides.setdefault(source.node, strides[node])
    return {
        node.name: Layer(strides.get(node, 1), shape, node in are_maps)
        for node, shape in first.items()
    }


def _stride(shape: Shape, image: Shape) -> int | None:
    """Stride of a map (B, C, h, w), each side of which is the image's, rounded up; else None."""
    if len(shape) != 4 or shape[2:] == (1, 1):
        return None
    for stride in (1, 2, 4, 8, 16, 32, 64, 128):
        if shape[2:] == tuple(-(-side // stride) for side in image):
            return stride
    return None
