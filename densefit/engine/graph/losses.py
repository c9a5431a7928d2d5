"""Which losses train and read each parameter of a train graph."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from densefit.engine.graph.symbol_info import LABELLED_OPERATORS
from densefit.errors import ConfigError
from densefit.model.network import Network
from densefit.model.symbol_graph import Node, SymbolGraph

_log = logging.getLogger("densefit")

#: Operators that send no gradient to their inputs.
BLOCKING = {"BlockGrad", "zeros_like", "ones_like", "shape_array", "argmax", "argmin", "one_hot"}

#: Operators whose gradient does not depend on that of their output.
LOSS_LAYERS = (*LABELLED_OPERATORS, "MakeLoss", "make_loss", "Custom")


def losses_of(
    symbol: Any, losses: Mapping[str, str]
) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Find which losses send gradients to each input of a train graph, and which read it.

    Args:
        symbol: the graph.
        losses: its outputs, without `_output` -> the name of the loss.

    Returns:
        Two dicts by the names of inputs, moving statistics among them.
    """
    graph = SymbolGraph.of(symbol)
    learning: dict[Node, set[str]] = {node: set() for node in graph.nodes}
    reading: dict[Node, set[str]] = {node: set() for node in graph.nodes}
    for name, output in zip(symbol.list_outputs(), graph.heads):
        for losses_by_node in (learning, reading):
            losses_by_node[output.node].add(losses[name[: -len("_output")]])
    for node in reversed(graph.nodes):  # readers before what they read
        for source in node.inputs:
            reading[source.node] |= reading[node]
            if node.op not in BLOCKING:
                learning[source.node] |= learning[node]
    inputs = [node for node in graph.nodes if node.is_variable]
    learned, read = (
        {node.name: frozenset(losses_by_node[node]) for node in inputs}
        for losses_by_node in (learning, reading)
    )
    return learned, read


def losses_by_input(
    symbol: Any, network: Network, input_size: tuple[int, int] | None
) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Find which `HeadAdapter.label_groups` train, and which read, each input of a train graph.

    Args:
        symbol: the train graph as it is bound.
        network: network of the graph.
        input_size: (height, width) of its input.

    Returns:
        Two dicts by the names of inputs, moving statistics among them.
    """
    adapters = network.adapters.values()
    plain = {out: key for adapter in adapters for out, key in adapter.label_group_of.items()}
    whole = {out: adapter.name for adapter in adapters for out in adapter.outputs("train")}
    # Learned loss weights (`Network.graph`) combine a head's terms to one loss of the head.
    weighed = losses_of(symbol, whole)
    apart = losses_of(network.peek("train", input_size), plain)
    learning, reading = (
        {**whole_losses, **term_losses} for whole_losses, term_losses in zip(weighed, apart)
    )
    return learning, reading


def shared_parameters(symbol: Any, network: Network, trained: Sequence[str]) -> list[str]:
    """List the trained parameters that several heads' losses train, in the symbol's order.

    Args:
        symbol: the train graph.
        network: the network.
        trained: names of the parameters that have gradients.

    Raises:
        ConfigError: there is no such parameter, or only one head.
    """
    adapters = network.adapters.values()
    if len(adapters) < 2:
        raise ConfigError(
            "Gradients are balanced between heads, and the network has one: there is nothing to "
            "balance",
            received=f"the head {', '.join(network.adapters)}",
            fix="train without balance=; weight= of a head scales its loss",
        )
    heads = {output: adapter.name for adapter in adapters for output in adapter.outputs("train")}
    learning, _ = losses_of(symbol, heads)
    shared = [name for name in trained if len(learning.get(name, ())) > 1]
    if not shared:
        separate = {
            head: sum(head in learning.get(name, ()) for name in trained)
            for head in network.adapters
        }
        raise ConfigError(
            "The heads share no parameter that is trained: there is nothing to balance",
            expected="a trained parameter that two heads use",
            received=", ".join(f"head {h}: {n} that it alone trains" for h, n in separate.items()),
            fix="train without balance=, or do not freeze the trunk",
        )
    sharing = frozenset().union(*(learning[name] for name in shared))
    apart = [head for head in network.adapters if head not in sharing]
    if apart:
        _log.warning(
            "The head %s shares no trained parameter with another head: its gradient is not "
            "balanced, and the others' are as if it were not there",
            ", ".join(apart),
        )
    return shared


def outputs_needing_gradients(graph: SymbolGraph, trained: Collection[str]) -> list[str]:
    """Short names of outputs that are no losses, and that a gradient would pass to a parameter.

    MXNet refuses to train such a graph, as nothing states the gradient of the output.

    Args:
        graph: graph for training.
        trained: names of its parameters that have gradients.
    """
    learning: set[Node] = set()  # nodes that a gradient of theirs leads to a parameter
    for node in graph.nodes:
        if node.is_variable:
            leads = node.name in trained
        else:
            leads = node.op not in (*BLOCKING, *LOSS_LAYERS) and any(
                source.node in learning for source in node.inputs
            )
        if leads:
            learning.add(node)
    return [name for name, output in graph.outputs.items() if output.node in learning]
