"""Means over whole maps as global poolings, in graphs for evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from densefit.engine.mxnet.graph.shapes import inner_outputs
from densefit.model.symbol_graph import Node, SymbolGraph

_GLOBAL_MEAN = {"global_pool": "True", "kernel": "(1, 1)", "pool_type": "avg"}
_ROWS_AND_COLUMNS = ("(2, 3)", "[2, 3]", "(-2, -1)", "[-2, -1]")


def with_poolings(
    graph: SymbolGraph, shapes: Mapping[str, Any], types: Mapping[str, Any]
) -> SymbolGraph:
    """Replace each `mean` over rows and columns that keeps the axes by a global pooling.

    The numbers are equal up to the last bits. In training the mean is faster, since the backward
    pass of MXNet's global pooling is slow; in the forward pass the pooling reads the convolution's
    memory layout, which the mean has to convert first.

    Args:
        graph: graph for evaluation.
        shapes: shapes of its inputs, by name.
        types: dtypes of its data, by name.
    """
    means = [node for node in graph.nodes if node.op == "mean" and _is_over_a_map(node)]
    outputs = inner_outputs(graph, shapes, types) if means else {}

    def pool(node: Node, new: Node) -> Node:
        if node not in means:
            return new
        shape, dtype = outputs.get(node.inputs[0][:2], ((), None))
        if len(shape) != 4 or dtype != np.float32:
            return new
        return replace(new, op="Pooling", attrs=_GLOBAL_MEAN)

    return graph.rewrite(pool)


def _is_over_a_map(node: Node) -> bool:
    return (
        node.attr("axis") in _ROWS_AND_COLUMNS
        and node.flag("keepdims")
        and not node.flag("exclude")
    )
