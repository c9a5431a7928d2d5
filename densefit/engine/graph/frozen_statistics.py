"""Freeze the moving statistics of BatchNorm layers with frozen parameters."""

from __future__ import annotations

from collections.abc import Collection

from densefit.model.symbol_graph import Node, SymbolGraph


def with_frozen_statistics(graph: SymbolGraph, frozen: Collection[str]) -> SymbolGraph:
    """Let each BatchNorm with a frozen gamma use its moving statistics, as in evaluation.

    The statistics are not updated.

    Args:
        graph: graph for training.
        frozen: names of the frozen parameters.
    """

    def freeze(_: Node, node: Node) -> Node:
        gamma = node.inputs[1].node.name if len(node.inputs) > 1 else None
        is_frozen = node.op == "BatchNorm" and gamma in frozen
        return node.with_attrs(use_global_stats="True") if is_frozen else node

    return graph.rewrite(freeze)
