"""Nodes of operators, with variables for the inputs that a call leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.symbol.builder.attributes import node_attributes
from densefit.symbol.builder.nodes import Entry, Node
from densefit.symbol.builder.operators import Operator


def compose(
    operator: Operator,
    inputs: Sequence[Sequence[Entry]],
    named: Mapping[str, Sequence[Entry]],
    settings: Mapping[str, Any],
    name: str,
) -> Node:
    """Make a node.

    Args:
        operator: its operator.
        inputs: outputs of other Symbols, by position.
        named: likewise, by the names of inputs.
        settings: of the operator, and attributes.
        name: name of the node.

    Raises:
        ConfigError: inputs or settings do not fit the operator.
    """
    if operator.is_open:
        raise ConfigError(
            f"A graph with the operator {operator.name} is not built without MXNet",
            where=name,
            fix='pip install "densefit[mxnet]", or use another operator',
        )
    node = Node(operator, name, node_attributes(operator, settings))
    names = list(node.form.inputs)
    if operator.takes_many and inputs and not operator.counter:
        names = [""] * len(inputs)
    if len(inputs) > len(names):
        raise ConfigError(
            f"The operator {operator.name} has too many inputs",
            expected=", ".join(names) or "none",
            received=f"{len(inputs)} inputs",
            where=name,
        )
    unknown = [key for key in named if key not in names[len(inputs) :]]
    if unknown:
        raise ConfigError(
            f"The operator {operator.name} has no input {unknown[0]!r} with these settings",
            expected=", ".join(names) or "no inputs",
            received=", ".join(named),
            where=name,
        )
    node.inputs = [_single(entries, names[i], node) for i, entries in enumerate(inputs)]
    for argument in names[len(inputs) :]:
        if argument in named:
            node.inputs.append(_single(named[argument], argument, node))
        else:  # as in MXNet, the variable takes the attributes of the layer
            variable = f"{name}_{argument}" if name else argument
            node.inputs.append(Entry(Node(None, variable, node.attrs)))
    for position, text in node.form.starts.items():
        variable_node = node.inputs[position].node if position < len(node.inputs) else node
        if variable_node.is_variable:
            variable_node.attrs.setdefault("__init__", text)
    for position in node.form.states:
        if not node.inputs[position].node.is_variable:
            raise ConfigError(
                f"The auxiliary state {names[position]} of {name} is not a variable",
                expected="a Variable",
                received=node.inputs[position].node.name,
                where=name,
            )
    node.update_versions()
    return node


def _single(entries: Sequence[Entry], argument: str, node: Node) -> Entry:
    if len(entries) != 1:
        raise ConfigError(
            f"The input {argument} is several outputs",
            expected="a Symbol of one output",
            received=", ".join(entry.node.output_name(entry.number) for entry in entries)[:300],
            where=node.name,
            fix="take one of them: symbol[0]",
        )
    return entries[0]
