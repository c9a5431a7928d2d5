"""Graphs as JSON of MXNet 1.9.1; graphs of earlier versions are read, too."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.symbol.builder.attributes import HIDDEN
from densefit.symbol.builder.nodes import Entry, Node, nodes_of
from densefit.symbol.builder.operators import Operator, operator

VERSION = 10901
_CASTS = ("amp_cast", "amp_multicast")


def dump(entries: Sequence[Entry], remove_amp_cast: bool = True) -> str:
    """Write the graph of some outputs.

    Args:
        entries: the outputs.
        remove_amp_cast: whether casts of automatic mixed precision are left out.
    """
    if remove_amp_cast:
        entries = _without_casts(entries)
    nodes = nodes_of(entries)
    numbers = {id(node): number for number, node in enumerate(nodes)}
    rows, starts = [], [0]
    for node in nodes:
        row: dict[str, Any] = {"op": node.operator.name if node.operator else "null"}
        row["name"] = node.name
        if node.attrs:
            row["attrs"] = dict(sorted(node.attrs.items()))
        row["inputs"] = [[numbers[id(entry.node)], *entry[1:]] for entry in node.inputs]
        if node.subgraphs:
            row["subgraphs"] = node.subgraphs
        rows.append(row)
        starts.append(starts[-1] + node.form.computed)
    graph = {
        "nodes": rows,
        "arg_nodes": [number for number, node in enumerate(nodes) if node.is_variable],
        "node_row_ptr": starts,
        "heads": [[numbers[id(entry.node)], *entry[1:]] for entry in entries],
        "attrs": {"mxnet_version": ["int", VERSION]},
    }
    return json.dumps(graph, ensure_ascii=False, indent=2)


def _without_casts(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The outputs of a graph whose nodes read past the casts; a cast that is an output stays."""
    nodes = nodes_of(entries)
    if not any(node.operator is not None and node.operator.name in _CASTS for node in nodes):
        return entries
    copies: dict[int, Node] = {}

    def replaced(entry: Entry) -> Entry:
        node = entry.node
        while node.operator is not None and node.operator.name in _CASTS:
            entry = node.inputs[entry.number]
            node = entry.node
        return entry._replace(node=copies[id(node)])

    for node in nodes:
        copies[id(node)] = copy = Node(node.operator, node.name, node.attrs)
        copy.subgraphs, copy.version = node.subgraphs, node.version
        copy.outputs_read = node.outputs_read
        copy.inputs = [replaced(entry) for entry in node.inputs]
    return [entry._replace(node=copies[id(entry.node)]) for entry in entries]


def load(text: str) -> list[Entry]:
    """Read the outputs of a graph.

    Raises:
        ConfigError: the text is not a graph.
    """
    try:
        graph = json.loads(text)
        return read(graph)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"This is not the JSON of a Symbol ({type(error).__name__}: {error})",
            expected="what Symbol.tojson writes",
            received=text[:200],
        ) from error


def read(graph: Mapping[str, Any]) -> list[Entry]:
    """Read the outputs of a parsed graph.

    Raises:
        ConfigError: MXNet 1.9.1 has no such operator.
        ValueError, KeyError, IndexError, TypeError, AttributeError: it is not a graph.
    """
    nodes: list[Node] = []
    rows = [(row, dict(_attributes(row))) for row in graph["nodes"]]
    for row, attrs in rows:
        source = _operator(row)
        node = Node(source, row["name"], attrs)
        node.subgraphs = row.get("subgraphs", [])
        node.inputs = [_entry(nodes, entry) for entry in row["inputs"]]
        _place_hidden(node)
        if source is not None and not source.is_open:
            _add_inputs(node)
        nodes.append(node)
    return [_entry(nodes, entry) for entry in graph["heads"]]


def _attributes(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Settings and attributes of a node; before 1.0 in "param" and "attr"."""
    for key in ("param", "attr", "attrs"):
        yield from row.get(key, {}).items()


def _operator(row: Mapping[str, Any]) -> Operator | None:
    if row["op"] == "null":
        return None
    source = operator(row["op"])
    if source is None:
        raise ConfigError(
            f"MXNet 1.9.1 has no operator {row['op']!r}", where=f"the node {row['name']!r}"
        )
    return source


def _entry(nodes: Sequence[Node], entry: Sequence[int]) -> Entry:
    number, output, *version = entry
    if number < 0 or output < 0:
        raise ValueError(f"no output {entry}")
    node = nodes[number]
    if node.operator is not None and node.operator.is_open:
        node.outputs_read = max(node.outputs_read, output + 1)
    elif output >= node.form.computed:
        raise ValueError(f"{node.name!r:.80} has no output {output}")
    return Entry(node, output, *version[:1])


def _place_hidden(node: Node) -> None:
    """Write attributes of old graphs as MXNet does now: `weight_lr_mult` at the weight."""
    for key in list(node.attrs):
        if key.startswith("__"):
            continue
        for hidden in HIDDEN:
            if key == hidden:
                node.attrs[f"__{hidden}__"] = node.attrs.pop(key)
            elif key.endswith(f"_{hidden}") and node.operator is not None:
                names = list(node.form.inputs)
                argument = key[: -len(hidden) - 1]
                at = names.index(argument) if argument in names else len(names)
                if at < len(node.inputs) and node.inputs[at].node.is_variable:
                    node.inputs[at].node.attrs[f"__{hidden}__"] = node.attrs.pop(key)


def _add_inputs(node: Node) -> None:
    """Add the auxiliary states that graphs before 0.9 do not list."""
    form = node.form
    if len(node.inputs) >= len(form.inputs) or not node.inputs:
        return
    for position in range(len(node.inputs), len(form.inputs)):
        variable = Node(None, f"{node.name}_{form.inputs[position]}", node.attrs)
        if position in form.starts:
            variable.attrs.setdefault("__init__", form.starts[position])
        node.inputs.append(Entry(variable))
