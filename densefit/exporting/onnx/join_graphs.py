"""Two graphs of one network as a graph with the outputs of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from densefit.errors import ExportError
from densefit.model.symbol_graph import Node, Output, SymbolGraph


def joined(first: SymbolGraph, second: SymbolGraph, names: Mapping[str, str]) -> SymbolGraph:
    """Return a graph in which layers that compute the same are one.

    Args:
        first: graph of which all outputs are taken.
        second: graph with the same parameters by name.
        names: short names of the outputs of `second` that are taken -> their names.

    Raises:
        ExportError: two outputs have one name.
    """
    clashing = sorted({*names.values()} & {*first.outputs})
    if clashing:
        raise ExportError(
            "An output that views are merged from has the name of another output",
            received=clashing,
            fix="give the head another name",
        )
    nodes = _Nodes()
    heads = [nodes.output(output) for output in first.heads]
    for name, new_name in names.items():
        source = nodes.output(second.outputs[name])
        heads.append(Output(Node("_copy", new_name, (source,))))
    return first.select(heads)


class _Nodes:
    """Nodes by what they compute: operator, settings and inputs, or a variable's name."""

    def __init__(self) -> None:
        self._by_content: dict[Any, Node] = {}
        self._copies: dict[Node, Node] = {}

    def output(self, output: Output) -> Output:
        """The same output of the first node that computes it."""
        for node in SymbolGraph([output], {}).nodes:
            if node not in self._copies:
                self._copies[node] = self._unique(node)
        return output._replace(node=self._copies[output.node])

    def _unique(self, node: Node) -> Node:
        inputs = tuple(source._replace(node=self._copies[source.node]) for source in node.inputs)
        content: Any = node.name
        if not node.is_variable:
            settings = tuple(sorted(node.attrs.items()))
            content = (node.op, settings, tuple((id(s.node), *s[1:]) for s in inputs))
        if node.subgraphs or node.op == "_copy":  # a copy may name an output
            content = (content, node.name)
        return self._by_content.setdefault(content, replace(node, inputs=inputs))
