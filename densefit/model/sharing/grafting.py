"""Layers that are built as Symbols, and read outputs of a graph's nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from densefit.model.symbol_graph import Node, Output, SymbolGraph
from densefit.symbol import NameManager, sym

_INPUT = "densefit_grafted_input"
_STATISTICS = ("_moving_mean", "_moving_var")


def grafted(
    build: Callable[..., Any],
    *inputs: Output,
    name: str = "grafted",
    head: str = "",
    shared: dict[str, Node] | None = None,
) -> Output:
    """Let layers read outputs of nodes.

    Args:
        build: Symbols, one for each of the inputs -> Symbol with one output.
        inputs: what the layers read.
        name: what names of layers begin with that `build` does not name.
        head: whose layers they are, with `shared`: their names, and those of their moving
            statistics, are made to begin with it.
        shared: name -> parameter that layers of several heads read; those that it lacks are added.

    Returns:
        The output of the layers, as other nodes read it.
    """
    names = [f"{_INPUT}{number}" for number in range(len(inputs))]
    with _Names(name):
        graph = SymbolGraph.of(build(*map(sym.Variable, names)))
    read = dict(zip(names, inputs))
    nodes: dict[Node, Node] = {}

    def moved(output: Output) -> Output:
        source = read.get(output.node.name) if output.node.is_variable else None
        return source or output._replace(node=nodes[output.node])

    for node in graph.nodes:
        is_parameter = node.is_variable and not is_statistic(node)
        if shared is not None and is_parameter:
            nodes[node] = shared.setdefault(node.name, node)
        else:
            full = node.name if shared is None else f"{head}_{node.name}"
            nodes[node] = replace(node, name=full, inputs=tuple(map(moved, node.inputs)))
    return moved(graph.heads[0])


def is_statistic(node: Node) -> bool:
    """Whether a node is a moving statistic, which no gradient trains."""
    return node.is_variable and node.name.endswith(_STATISTICS)


class _Names(NameManager):  # type: ignore[misc]
    """Name unnamed layers after what they are part of."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def get(self, name: str | None, hint: str) -> str:
        """`name`, or one made of the prefix and `hint`."""
        return name or f"{self._prefix}_{super().get(None, hint)}"
