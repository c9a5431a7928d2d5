"""Exclude parameters from an update that only heads without labels train."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from densefit.backend import mx
from densefit.engine.mxnet.graph.gradient_probe import BLOCKING
from densefit.model.network import Network
from densefit.model.symbol_graph import Node, SymbolGraph


class Absent:
    """Freeze, for one update, the parameters and statistics of heads without labels.

    An optimizer also moves a parameter whose gradient is exactly 0: by momentum, weight decay or
    Adam's moments. A parameter that only losses without labelled samples train is therefore
    excluded from the update: its value, optimizer states and update count do not change. Neither do
    the moving statistics of BatchNorm layers that only such losses read.

    A loss is a head, or one of its terms (`HeadAdapter.label_groups`).

    Args:
        module: the bound Module that has the optimizer.
        network: network that is trained.
        input_size: input size of the train graph.
    """

    def __init__(self, module: Any, network: Network, input_size: tuple[int, int] | None) -> None:
        self._module, self._network, self._size = module, network, input_size
        self._spared_by: dict[frozenset[str], tuple[list[int], list[int]]] = {}
        self._saved: dict[int, list[Any]] = {}  # statistics, on each device, by their number

    def begin(self, absent: Iterable[str]) -> None:
        """Save statistics before an update computes; `absent` losses have no labels."""
        _, numbers = self._spared(frozenset(absent))
        if numbers:
            mx.nd.waitall()  # BatchNorm's backward pass writes them unknown to MXNet's engine
        arrays = self._module._exec_group.aux_arrays
        self._saved = {number: [replica.copy() for replica in arrays[number]] for number in numbers}

    def update(self, absent: Iterable[str]) -> None:
        """Update the parameters that other losses train; `begin` was called with these losses.

        Waits for the backward pass if there are statistics to restore.
        """
        parameters, statistics = self._spared(frozenset(absent))
        if statistics:
            mx.nd.waitall()
        for number in statistics:
            for replica, copy in zip(
                self._module._exec_group.aux_arrays[number], self._saved[number]
            ):
                copy.copyto(replica)
        with self._without(parameters):
            self._module.update()

    @contextmanager
    def _without(self, numbers: Iterable[int]) -> Iterator[None]:
        """Hide gradients from the Module, which then treats their parameters as fixed."""
        gradients = self._module._exec_group.grad_arrays
        hidden = {number: gradients[number] for number in numbers}
        try:
            for number, replicas in hidden.items():
                gradients[number] = [None] * len(replicas)
            yield
        finally:
            for number, replicas in hidden.items():
                gradients[number] = replicas

    def _spared(self, absent: frozenset[str]) -> tuple[list[int], list[int]]:
        """Indices of the parameters and statistics whose losses are all absent; cached."""
        if absent not in self._spared_by:
            group, (learning, reading) = self._module._exec_group, self._readers
            adapters = self._network.adapters.values()
            everything = frozenset(key for adapter in adapters for key in adapter.label_groups)
            parameters, statistics = (
                [k for k, name in enumerate(names) if absent >= (losses.get(name) or everything)]
                for names, losses in ((group.param_names, learning), (group.aux_names, reading))
            )
            self._spared_by[absent] = parameters, statistics
        return self._spared_by[absent]

    @cached_property
    def _readers(self) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
        """`losses_of` each parameter and statistic."""
        adapters = self._network.adapters.values()
        plain = {out: key for adapter in adapters for out, key in adapter.label_group_of.items()}
        whole = {out: adapter.name for adapter in adapters for out in adapter.outputs("train")}
        # Learned loss weights (`Network.graph`) combine a head's terms to one loss of the head.
        weighed = losses_of(self._module.symbol, whole)
        apart = losses_of(self._network.peek("train", self._size), plain)
        learning, reading = (
            {**whole_losses, **term_losses} for whole_losses, term_losses in zip(weighed, apart)
        )
        return learning, reading


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
