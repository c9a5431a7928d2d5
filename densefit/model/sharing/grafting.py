"""Layers that are built as Symbols, and read outputs of a graph's nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from densefit.model.symbol_graph import Node, Output, SymbolGraph
from densefit.symbol import NameManager, sym

_INPUT = "densefit_grafted_input"


def grafted(build: Callable[..., Any], *inputs: Output) -> Output:
    """Let layers read outputs of nodes.

    Args:
        build: Symbols, one for each of the inputs -> Symbol with one output. It names its layers.
        inputs: what the layers read.

    Returns:
        The output of the layers, as other nodes read it.
    """
    names = [f"{_INPUT}{number}" for number in range(len(inputs))]
    with NameManager():
        graph = SymbolGraph.of(build(*map(sym.Variable, names)))
    read = dict(zip(names, inputs))
    nodes: dict[Node, Node] = {}

    def moved(output: Output) -> Output:
        given = read.get(output.node.name) if output.node.is_variable else None
        return given or output._replace(node=nodes[output.node])

    for node in graph.nodes:
        nodes[node] = node if node.is_variable else _reading(node, moved)
    return moved(graph.heads[0])


def _reading(node: Node, moved: Callable[[Output], Output]) -> Node:
    inputs = tuple(map(moved, node.inputs))
    return Node(node.op, node.name, inputs, node.attrs, node.subgraphs)
