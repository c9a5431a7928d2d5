"""Cut of a train graph between the trunk, which several heads train, and the heads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from densefit.engine.graph.losses import BLOCKING
from densefit.errors import ConfigError
from densefit.model.symbol_graph import VARIABLE, Node, SymbolGraph


@dataclass(frozen=True)
class TrunkCut:
    """A train graph in two parts.

    Attributes:
        trunk: graph whose outputs are the features, in the order of `features`.
        heads: the train graph, reading the features as variables.
        features: names of these variables.
        readers: for each feature, the heads whose losses send it a gradient; empty if none does.
    """

    trunk: SymbolGraph
    heads: SymbolGraph
    features: list[str]
    readers: list[frozenset[str]]


def cut_trunk(
    graph: SymbolGraph, head_of: Mapping[str, str], trained: Collection[str], where: str
) -> TrunkCut:
    """Cut a train graph at what its trunk hands to the heads.

    The trunk is what the losses of several heads train, and what that is computed from. Each of
    its outputs that a head reads is a feature: a map of the backbone, or one of layers that only
    some of the heads share.

    Args:
        graph: the train graph.
        head_of: short name of each output -> its head.
        trained: names of the parameters that have gradients.
        where: what asks for it, for errors.

    Raises:
        ConfigError: the heads read a shared parameter themselves, or no feature that two of them
            train.
    """
    learning = _heads_by_node(graph, head_of)
    leading = _leading_to(graph, trained)
    shared = [n for n in graph.nodes if len(learning[n]) > 1 and n in leading]
    trunk = _with_inputs(shared)
    outside = [node for node in graph.nodes if node not in trunk and not node.is_variable]
    tied = {
        source.node.name
        for node in outside
        for source in node.inputs
        if source.node.name in trained and len(learning[source.node]) > 1
    }
    if tied:
        raise ConfigError(
            "Heads read a parameter that they share, which is part of no feature",
            received=f"the parameters {', '.join(sorted(tied))}",
            where=where,
            fix="at='parameters' compares the gradients of the parameters themselves",
        )
    reads = [
        (source, frozenset() if node.op in BLOCKING else learning[node])
        for node in outside
        for source in node.inputs
        if source.node in trunk
    ]
    features = list(dict.fromkeys(source for source, _ in reads))
    readers = [frozenset().union(*(r for s, r in reads if s == feature)) for feature in features]
    if not any(len(heads) > 1 for heads in readers):
        raise ConfigError(
            "The heads read different features of the trunk, whose gradients cannot be compared",
            expected="a feature that two heads read",
            received=[f"{s.node.name}: {', '.join(sorted(r))}" for s, r in zip(features, readers)],
            where=where,
            fix="at='parameters' compares the gradients of the shared parameters",
        )
    variables = {
        feature: Node(VARIABLE, f"feature{number}_{feature.node.name}")
        for number, feature in enumerate(features)
    }

    def read_variables(node: Node, copy: Node) -> Node:
        if node in trunk:
            return copy
        for position, source in enumerate(node.inputs):
            if source in variables:
                copy = copy.with_input(position, variables[source])
        return copy

    return TrunkCut(
        trunk=graph.select(features),
        heads=graph.rewrite(read_variables),
        features=[variable.name for variable in variables.values()],
        readers=readers,
    )


def _heads_by_node(graph: SymbolGraph, head_of: Mapping[str, str]) -> dict[Node, frozenset[str]]:
    """Node -> heads whose losses send gradients to it."""
    heads: dict[Node, frozenset[str]] = dict.fromkeys(graph.nodes, frozenset())
    for name, output in graph.outputs.items():
        heads[output.node] |= {head_of[name]}
    for node in reversed(graph.nodes):  # readers before what they read
        if node.op not in BLOCKING:
            for source in node.inputs:
                heads[source.node] |= heads[node]
    return heads


def _leading_to(graph: SymbolGraph, trained: Collection[str]) -> set[Node]:
    """Nodes through which gradients reach a trained parameter."""
    leading: set[Node] = set()
    for node in graph.nodes:
        if node.is_variable:
            leads = node.name in trained
        else:
            leads = node.op not in BLOCKING and any(s.node in leading for s in node.inputs)
        if leads:
            leading.add(node)
    return leading


def _with_inputs(nodes: Collection[Node]) -> set[Node]:
    """Operators among some nodes and among all that they are computed from."""
    reached: set[Node] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting.extend(source.node for source in node.inputs)
    return {node for node in reached if not node.is_variable}
