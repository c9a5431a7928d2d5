"""BatchNorm layers that keep their moving statistics, where their parameters are frozen."""

from __future__ import annotations

from collections.abc import Collection

from densefit.model.symbol_graph import Node, SymbolGraph


def with_frozen_statistics(graph: SymbolGraph, frozen: Collection[str]) -> SymbolGraph:
    """Let each BatchNorm with a frozen gamma normalise by its moving statistics, as in evaluation.

    It does not change them either.

    Args:
        graph: for training.
        frozen: names of parameters.
    """

    def freeze(_: Node, node: Node) -> Node:
        gamma = node.inputs[1].node.name if len(node.inputs) > 1 else None
        is_frozen = node.op == "BatchNorm" and gamma in frozen
        return node.with_attrs(use_global_stats="True") if is_frozen else node

    return graph.rewrite(freeze)
