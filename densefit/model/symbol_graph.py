"""A Symbol as nodes: parsed once from its JSON, read by analyses, rewritten by passes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from densefit.model.output_names import short_name
from densefit.symbol import load_graph

VARIABLE = "null"  # MXNet's operator of a variable


class Output(NamedTuple):
    """One output of a node, as another node or the graph reads it.

    Attributes:
        node: node that computes it.
        number: number of the output among the outputs of the node.
        version: number of earlier operators that write to it: moving statistics only.
    """

    node: Node
    number: int = 0
    version: int = 0


@dataclass(eq=False, slots=True)
class Node:
    """An operator or a variable; compared by identity, since names may repeat.

    Attributes:
        op: name of the operator; VARIABLE for a variable.
        name: name of the layer or the variable.
        inputs: in the order of the operator.
        attrs: settings of the operator, as MXNet writes them.
        subgraphs: subgraphs of a control flow operator, as in the JSON.
    """

    op: str
    name: str
    inputs: tuple[Output, ...] = ()
    attrs: Mapping[str, str] = field(default_factory=dict)
    subgraphs: Sequence[Any] = ()

    @property
    def is_variable(self) -> bool:
        """Whether it is an input of the graph, a parameter or a moving statistic."""
        return self.op == VARIABLE

    def attr(self, name: str, default: str = "") -> str:
        """A setting as it is written."""
        return str(self.attrs.get(name, default))

    def flag(self, name: str, default: bool = False) -> bool:
        """A setting that is true or false."""
        return self.attr(name, str(default)).lower() in ("true", "1")

    def with_attrs(self, **attrs: str) -> Node:
        """A copy with further settings."""
        return replace(self, attrs={**self.attrs, **attrs})

    def with_input(self, position: int, node: Node, index: int = 0) -> Node:
        """A copy that reads an output of another node at one position."""
        inputs = list(self.inputs)
        inputs[position] = Output(node, index)
        return replace(self, inputs=tuple(inputs))


class SymbolGraph:
    """Nodes from inputs to outputs; immutable, `rewrite` returns another graph.

    Args:
        heads: outputs of the graph.
        attrs: attributes of the graph, as in the JSON.
    """

    def __init__(self, heads: Sequence[Output], attrs: Mapping[str, Any]) -> None:
        self.heads, self._attrs = tuple(heads), attrs

    @classmethod
    def of(cls, symbol: Any, amp_casts: bool = True) -> SymbolGraph:
        """Parse a Symbol.

        Args:
            symbol: any.
            amp_casts: whether casts of automatic mixed precision are nodes, or left out.
        """
        parsed = json.loads(symbol.tojson(remove_amp_cast=not amp_casts))
        nodes: list[Node] = []
        for node in parsed["nodes"]:
            inputs = tuple(Output(nodes[number], *rest) for number, *rest in node["inputs"])
            attrs, subgraphs = node.get("attrs", {}), node.get("subgraphs", ())
            nodes.append(Node(node["op"], node["name"], inputs, attrs, subgraphs))
        heads = [Output(nodes[number], *rest) for number, *rest in parsed["heads"]]
        graph = cls(heads, parsed.get("attrs", {}))
        graph.nodes = nodes
        if amp_casts:
            graph.symbol = symbol
        return graph

    @cached_property
    def nodes(self) -> list[Node]:
        """All nodes that an output depends on, inputs first, in the order of MXNet's JSON."""
        nodes: list[Node] = []
        seen: set[Node] = set()
        for head in self.heads:
            stack = [(head.node, iter(head.node.inputs))] if head.node not in seen else []
            seen.add(head.node)
            while stack:
                node, inputs = stack[-1]
                below = next((out.node for out in inputs if out.node not in seen), None)
                if below is None:
                    nodes.append(node)
                    stack.pop()
                else:
                    seen.add(below)
                    stack.append((below, iter(below.inputs)))
        return nodes

    @cached_property
    def readers(self) -> dict[Node, list[Node]]:
        """Node -> the nodes that read it, once for each input."""
        readers: dict[Node, list[Node]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for source in node.inputs:
                readers[source.node].append(node)
        return readers

    def uses(self, node: Node) -> int:
        """How many inputs of nodes and outputs of the graph read a node."""
        return len(self.readers[node]) + sum(head.node is node for head in self.heads)

    @cached_property
    def symbol(self) -> Any:
        """The Symbol of the graph."""
        numbers = {node: number for number, node in enumerate(self.nodes)}
        nodes = []
        for node in self.nodes:
            inputs = [[numbers[source.node], *source[1:]] for source in node.inputs]
            entry = {"op": node.op, "name": node.name, "attrs": node.attrs, "inputs": inputs}
            nodes.append({**entry, "subgraphs": node.subgraphs} if node.subgraphs else entry)
        return load_graph(
            {
                "nodes": nodes,
                "arg_nodes": [numbers[node] for node in self.nodes if node.is_variable],
                "node_row_ptr": list(range(len(nodes) + 1)),
                "heads": [[numbers[head.node], *head[1:]] for head in self.heads],
                "attrs": self._attrs,
            }
        )

    @cached_property
    def internals(self) -> tuple[Any, list[Output]]:
        """Symbol of every output of every node, and these outputs in its order."""
        internals = self.symbol.get_internals()
        heads = json.loads(internals.tojson(remove_amp_cast=False))["heads"]
        return internals, [Output(self.nodes[number], *rest) for number, *rest in heads]

    def rewrite(self, change: Callable[[Node, Node], Node]) -> SymbolGraph:
        """Replace nodes; the graph itself if none changes.

        Args:
            change: (node, copy of it that reads the replaced inputs) -> replacement: the copy,
                altered or not, or another node with the same outputs. Called for inputs before
                their readers. Nodes without readers are dropped.
        """
        changed: dict[Node, Node] = {}

        def moved(outputs: Sequence[Output]) -> tuple[Output, ...]:
            return tuple(out._replace(node=changed[out.node]) for out in outputs)

        for node in self.nodes:
            inputs = moved(node.inputs)
            same = all(new.node is old.node for new, old in zip(inputs, node.inputs))
            changed[node] = change(node, node if same else replace(node, inputs=inputs))
        if all(new is old for old, new in changed.items()):
            return self
        return SymbolGraph(moved(self.heads), self._attrs)

    def select(self, heads: Sequence[Output]) -> SymbolGraph:
        """The graph of some outputs of its nodes alone."""
        return SymbolGraph(heads, self._attrs)

    @cached_property
    def outputs(self) -> dict[str, Output]:
        """Name of each output, without MXNet's `_output` -> the output."""
        return dict(zip(map(short_name, self.symbol.list_outputs()), self.heads))
