"""Leave out of an update what only heads without labels train."""

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
    """Freezes, for one update, the parameters and statistics of heads without labels in it.

    An optimizer also moves a parameter whose gradient is exactly 0: by momentum, weight decay or
    Adam's moments. A parameter that only losses without labelled samples train is therefore left
    out of the update: its value, its optimizer states and its update count stay. So do the moving
    statistics of BatchNorm layers that only such losses read: a head's statistics are of the
    batches that it has learned from.

    A loss is a head, or one of its terms (`HeadAdapter.label_groups`).

    Args:
        module: bound, the one that has the optimizer.
        network: that is trained.
        input_size: of the train graph.
    """

    def __init__(self, module: Any, network: Network, input_size: tuple[int, int] | None) -> None:
        self._module, self._network, self._size = module, network, input_size
        self._found: dict[frozenset[str], tuple[list[int], list[int]]] = {}
        self._kept: dict[int, list[Any]] = {}  # statistics, on each device, by their number

    def begin(self, absent: Iterable[str]) -> None:
        """Save statistics before an update computes; `absent` losses have no labels."""
        _, numbers = self._spared(frozenset(absent))
        if numbers:
            mx.nd.waitall()  # BatchNorm's backward writes them without MXNet's engine knowing
        arrays = self._module._exec_group.aux_arrays
        self._kept = {number: [one.copy() for one in arrays[number]] for number in numbers}

    def update(self, absent: Iterable[str]) -> None:
        """Update what the other losses train; `begin` had at least these absent.

        Waits for the backward pass if there are statistics to put back.
        """
        parameters, statistics = self._spared(frozenset(absent))
        if statistics:
            mx.nd.waitall()
        for number in statistics:
            for one, copy in zip(self._module._exec_group.aux_arrays[number], self._kept[number]):
                copy.copyto(one)
        with self._without(parameters):
            self._module.update()

    @contextmanager
    def _without(self, numbers: Iterable[int]) -> Iterator[None]:
        """Hide gradients from the Module, which then treats their parameters as fixed."""
        gradients = self._module._exec_group.grad_arrays
        kept = {number: gradients[number] for number in numbers}
        try:
            for number, replicas in kept.items():
                gradients[number] = [None] * len(replicas)
            yield
        finally:
            for number, replicas in kept.items():
                gradients[number] = replicas

    def _spared(self, absent: frozenset[str]) -> tuple[list[int], list[int]]:
        """Indices of the parameters and statistics whose losses are all absent; cached."""
        if absent not in self._found:
            group, (learning, reading) = self._module._exec_group, self._readers
            adapters = self._network.adapters.values()
            everything = frozenset(key for adapter in adapters for key in adapter.label_groups)
            parameters, statistics = (
                [k for k, name in enumerate(names) if absent >= (losses.get(name) or everything)]
                for names, losses in ((group.param_names, learning), (group.aux_names, reading))
            )
            self._found[absent] = parameters, statistics
        return self._found[absent]

    @cached_property
    def _readers(self) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
        """`losses_of` each parameter and statistic."""
        adapters = self._network.adapters.values()
        plain = {out: key for adapter in adapters for out, key in adapter.label_group_of.items()}
        whole = {out: adapter.name for adapter in adapters for out in adapter.outputs("train")}
        # Weights that are learned (`Network.graph`) make one loss of a head's terms, and are the
        # head's.
        weighed = losses_of(self._module.symbol, whole)
        apart = losses_of(self._network.peek("train", self._size), plain)
        learning, reading = ({**own, **found} for own, found in zip(weighed, apart))
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
