"""A graph as a sequence of PyTorch calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from densefit.engine.torch.operators import registry
from densefit.engine.torch.operators.attributes import Attributes
from densefit.model.symbol_graph import Node, SymbolGraph

Tensor = torch.Tensor

#: Operators that return new memory, and whose gradient does not read their output.
_NOT_REREAD = frozenset(
    "Convolution BatchNorm _contrib_SyncBatchNorm elemwise_add _plus _Plus broadcast_add".split()
)


@dataclass
class Run:
    """One pass through a graph.

    Attributes:
        training: whether operators behave as in training (dropout, batch statistics).
        precision: dtype of convolutions and dense layers; None for that of their inputs.
        statistics: name of a moving statistic -> its value after the pass; filled by operators. As
            in MXNet they are written when the backward pass is done, by the caller.
        device: device of tensors that come from settings alone (`_zeros`, `_arange`, random
            numbers); by default that of the values.
        reduce: sums a tensor over all ranks, for statistics of the whole batch; None for one rank.
        sync_batchnorm: whether BatchNorm, too, uses the batch of all ranks, as SyncBatchNorm does.
    """

    training: bool = False
    precision: torch.dtype | None = None
    statistics: dict[str, Tensor] = field(default_factory=dict)
    device: torch.device | None = None
    _weights: dict[str, float] = field(default_factory=dict)
    reduce: Callable[[Tensor], Tensor] | None = None
    sync_batchnorm: bool = False

    def move(self, name: str, old: Tensor, batch: Tensor, momentum: float) -> None:
        """Enter a moving statistic's value after the pass.

        Of several layers that move one statistic the last moves it first, since MXNet moves them in
        the backward pass.

        Args:
            name: name of the statistic.
            old: its value before the pass.
            batch: statistic of the batch.
            momentum: share of the old value.
        """
        weight = self._weights.get(name, 1.0)
        current = self.statistics.get(name, old)
        self.statistics[name] = current + (1 - momentum) * weight * (batch.to(old.dtype) - old)
        self._weights[name] = weight * momentum


class Program:
    """Compute the outputs of a graph from its inputs, parameters and statistics by name.

    Args:
        graph: the graph. Nodes that no output depends on are not computed.

    Attributes:
        inputs: names of the variables: inputs, parameters and statistics.

    Raises:
        EngineError: an operator is not known; it names the node.
    """

    def __init__(self, graph: SymbolGraph) -> None:
        self.graph = graph
        numbers = {node: number for number, node in enumerate(graph.nodes)}
        self._count = len(numbers)
        self._variables = [(numbers[node], node.name) for node in graph.nodes if node.is_variable]
        self.inputs = [name for _, name in self._variables]
        last: dict[int, int] = {}  # node -> the last one that reads it
        self._steps: list[tuple[int, registry.Compute, list[tuple[int, int]], Node]] = []
        for node in graph.nodes:
            if node.is_variable:
                continue
            sources = [(numbers[source.node], source.number) for source in node.inputs]
            for source, _ in sources:
                last[source] = numbers[node]
            compute = (
                _relu_in_place
                if _can_overwrite(graph, node)
                else registry.compute_of(Attributes(node))
            )
            self._steps.append((numbers[node], compute, sources, node))
        self._heads = [(numbers[head.node], head.number) for head in graph.heads]
        read_outside = {number for number, _ in self._heads}
        self._done: dict[int, list[int]] = {}  # node -> nodes that nothing reads after it
        for source, reader in last.items():
            if source not in read_outside:
                self._done.setdefault(reader, []).append(source)

    def __call__(self, values: Mapping[str, Tensor], run: Run) -> list[Tensor]:
        """Compute all outputs in the order of the graph.

        Args:
            values: tensor of each variable by name.
            run: mode of the pass.
        """
        if run.device is None:
            run.device = next((value.device for value in values.values()), torch.device("cpu"))
        results: list[Any] = [None] * self._count
        for number, name in self._variables:
            results[number] = (values[name],)
        for number, compute, sources, _ in self._steps:
            outputs = compute(run, *[results[source][index] for source, index in sources])
            results[number] = outputs if isinstance(outputs, tuple) else (outputs,)
            for source in self._done.get(number, ()):
                results[source] = None
        return [results[number][index] for number, index in self._heads]


def _can_overwrite(graph: SymbolGraph, node: Node) -> bool:
    """Whether a node is a ReLU whose input nothing else reads."""
    if node.op != "relu" and (node.op, node.attr("act_type")) != ("Activation", "relu"):
        return False
    source = node.inputs[0].node
    return source.op in _NOT_REREAD and graph.uses(source) == 1


def _relu_in_place(run: Run, x: Tensor) -> Tensor:
    return torch.relu_(x)
