"""Nodes of a graph that is being built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from densefit.symbol.builder.operators import Form, Operator

_VARIABLE = Form((), (), ("",))


class Entry(NamedTuple):
    """One output of a node, as another node or a Symbol reads it.

    Attributes:
        node: node that computes it.
        number: number of the output.
        version: number of operators so far that write to it: auxiliary states only.
    """

    node: Node
    number: int = 0
    version: int = 0


class Node:
    """An operator with its settings, or a variable; compared by identity.

    Attributes:
        operator: None for a variable.
        name: name of the layer or variable.
        attrs: settings and attributes, as in the JSON.
        inputs: outputs of other nodes.
        version: of a variable, number of operators that write to it.
        subgraphs: subgraphs of a control flow operator, as in the JSON.
        outputs_read: of an operator with unknown outputs, how many are read.
    """

    __slots__ = ("attrs", "inputs", "name", "operator", "outputs_read", "subgraphs", "version")

    def __init__(
        self, operator: Operator | None, name: str, attrs: Mapping[str, str] | None = None
    ) -> None:
        self.operator, self.name, self.attrs = operator, name, dict(attrs or {})
        self.inputs: list[Entry] = []
        self.subgraphs: list[Any] = []
        self.version, self.outputs_read = 0, 1

    @property
    def is_variable(self) -> bool:
        """Whether it is an input of the graph."""
        return self.operator is None

    @property
    def form(self) -> Form:
        """Names of its inputs and outputs."""
        if self.operator is None:
            return _VARIABLE
        if self.operator.is_open:
            count = self.outputs_read
            names = ["output"] if count == 1 else [f"output{number}" for number in range(count)]
            return Form([""] * len(self.inputs), (), names, count)
        return self.operator.form(self.attrs)

    def output_name(self, number: int) -> str:
        """Name of an output of the graph that this node computes."""
        if self.operator is None:
            return self.name
        names = self.form.outputs
        name = names[number] if number < len(names) else f"output{number}"
        return f"{self.name}_{name}" if self.name else name

    def update_versions(self) -> None:
        """Count this node as a writer of its auxiliary states."""
        self.inputs = [
            entry._replace(version=entry.node.version) if entry.node.is_variable else entry
            for entry in self.inputs
        ]
        for position in self.form.states:
            if position < len(self.inputs):
                entry = self.inputs[position]
                entry.node.version += 1
                self.inputs[position] = entry._replace(version=entry.node.version)


def nodes_of(entries: Iterable[Entry]) -> list[Node]:
    """All nodes that some outputs depend on, inputs first, in the order of MXNet's JSON."""
    nodes: list[Node] = []
    seen: set[int] = set()
    for entry in entries:
        stack: list[tuple[Node, Iterator[Entry]]] = []
        if id(entry.node) not in seen:
            stack.append((entry.node, iter(entry.node.inputs)))
            seen.add(id(entry.node))
        while stack:
            node, inputs = stack[-1]
            for source in inputs:  # goes on where it was left
                below = source.node
                if id(below) not in seen:
                    seen.add(id(below))
                    stack.append((below, iter(below.inputs)))
                    break
            else:
                nodes.append(node)
                stack.pop()
    return nodes


def copy_nodes(nodes: Iterable[Node]) -> dict[int, Node]:
    """id of each node -> a copy of it, which reads copies."""
    copies: dict[int, Node] = {}
    for node in nodes:
        copy = Node(node.operator, node.name, node.attrs)
        copy.inputs = [entry._replace(node=copies[id(entry.node)]) for entry in node.inputs]
        copy.subgraphs, copy.version = node.subgraphs, node.version
        copy.outputs_read = node.outputs_read
        copies[id(node)] = copy
    return copies
