"""The normalisation of an image, plane by plane in a Symbol, as arithmetic on all planes."""

from __future__ import annotations

import numpy as np

from densefit.model.symbol_graph import VARIABLE, Node, Output, SymbolGraph


def join_planes(graph: SymbolGraph) -> tuple[SymbolGraph, dict[str, np.ndarray]]:
    """Replace a split, (plane - mean) * scale of each plane, and their concatenation.

    The numbers are equal to the last bit; a Symbol has no constants, and so builds it of planes.

    Returns:
        (graph, values of the variables that it reads in addition).
    """
    values: dict[str, np.ndarray] = {}

    def change(node: Node, new: Node) -> Node:
        scalars = _scalars(node)
        if scalars is None:
            return new
        means, scales = np.array(scalars, np.float32).T.reshape(2, 1, -1, 1, 1)
        data = _planes(new)[0].inputs[0]
        for op, suffix, value in (
            ("broadcast_sub", "mean", means),
            ("broadcast_mul", "scale", scales),
        ):
            name = f"{node.name}_{suffix}"
            values[name] = value
            data = Output(Node(op, f"{name}d", (data, Output(Node(VARIABLE, name)))))
        return data.node

    return graph.rewrite(change), values


def _planes(node: Node) -> list[Node]:
    """The splits that the parts of a concatenation come from."""
    return [part.node.inputs[0].node.inputs[0].node for part in node.inputs]


def _scalars(node: Node) -> list[tuple[float, float]] | None:
    """(mean, scale) of each plane; None for any other node."""
    if node.op != "Concat" or node.attr("dim") != "1":
        return None
    scalars, sources = [], []
    for part in node.inputs:
        scaled = part.node
        centred = scaled.inputs[0].node if scaled.op == "_mul_scalar" else scaled
        if centred.op != "_minus_scalar" or scaled is centred:
            return None
        sources.append(centred.inputs[0])
        scalars.append((float(centred.attr("scalar")), float(scaled.attr("scalar"))))
    split = sources[0].node
    is_whole = (
        split.op == "SliceChannel"
        and split.attr("axis", "1") == "1"
        and not split.flag("squeeze_axis")
        and split.attr("num_outputs") == str(len(sources))
        and all(source.node is split for source in sources)
        and [source.number for source in sources] == list(range(len(sources)))
    )
    return scalars if is_whole else None
