"""Progressive layered extraction: experts and gates of each stage, from what the head has there.

Tang et al., RecSys 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from densefit.errors import ConfigError
from densefit.model.heads.features import Features
from densefit.model.sharing.experts import Experts
from densefit.model.sharing.feature_symbols import features_by_head, symbols_of
from densefit.model.sharing.gates import mixed, softmax_gate
from densefit.model.sharing.grafting import grafted, is_statistic
from densefit.model.sharing.sharing import sharings
from densefit.model.sharing.stages import STAGE_OF, end_of
from densefit.model.symbol_graph import Node, Output, SymbolGraph
from densefit.symbol import sym


@dataclass(frozen=True)
class _Stage:
    """Layers of a stage with their parameters, inputs first, of which `end` is the last."""

    name: str
    nodes: Sequence[Node]
    end: Node


@sharings.register("ple")
class PLE(Experts):
    """After each stage a head has a gated sum of experts' maps, which its next experts read.

    Shared experts have the same parameters for all heads, but read what each head has; their moving
    statistics are each head's.

    Args:
        shared: number of experts of a stage that all heads have.
        specific: number of experts of each head.
        behind: see `Experts`.

    Raises:
        ConfigError: see `Experts`.
    """

    name = "ple"

    def __init__(
        self, shared: int = 1, specific: int = 1, behind: str | int | None = "stage2"
    ) -> None:
        super().__init__(behind, shared, specific)

    def gate(self, x: Any, name: str, experts: int) -> Any:
        """See `softmax_gate`."""
        return softmax_gate(x, name, experts)

    def share(
        self, features: Features, whole: Features, heads: Sequence[str]
    ) -> tuple[dict[str, Features], dict[str, str]]:
        """See `Sharing.share`.

        Raises:
            ConfigError: a stage of the backbone reads more than the map of the one before.
        """
        graph = SymbolGraph.of(sym.Group(symbols_of(features)))
        behind, first = self._behind(graph, whole)
        stages = self._stages(graph, behind, first, whole)
        shared: dict[str, Node] = {}
        copies: dict[str, str] = {}
        outputs = {}
        for head in heads:
            at: dict[Output, Output] = {}
            read, start = first, first
            for stage in stages:
                experts = [
                    self._expert(stage, number, head, {start: read}, shared, copies)
                    for number in range(self.shared + self.specific)
                ]
                name = f"{head}_{self.name}_{stage.name}"
                gate = self._gate_of(f"{name}_gate", len(experts))
                shares = grafted(gate, read, name=name)
                mixtures = [out for out in graph.heads if out.node in experts[0]]
                for output in dict.fromkeys([*mixtures, Output(stage.end)]):
                    maps = [output._replace(node=nodes[output.node]) for nodes in experts]
                    part = f"{name}_{output.node.name}"
                    at[output] = grafted(mixed, shares, *maps, name=part)
                start = Output(stage.end)
                read = at[start]
            outputs[head] = [at.get(output, output) for output in graph.heads]
        result, there = features_by_head(features, graph, outputs)
        return result, {name: original for name, original in copies.items() if name in there}

    def _gate_of(self, name: str, experts: int) -> Any:
        return lambda x: self.gate(x, name, experts)

    def _stages(
        self, graph: SymbolGraph, behind: Sequence[Node], first: Output, whole: Features
    ) -> list[_Stage]:
        """The stages behind the first, each of which reads the one before alone."""
        strides = [s for s in sorted(whole.maps) if s in STAGE_OF and s > (self.stride or 0)]
        ends = {end_of(whole, stride, self.where): STAGE_OF[stride] for stride in strides}
        left, start, stages = list(behind), first, []
        for end in [node for node in behind if node.name in ends]:
            of_end = {*graph.select([Output(end)]).nodes}
            nodes = [node for node in left if node in of_end]
            left = [node for node in left if node not in of_end]
            stages.append(_Stage(ends[end.name], nodes, end))
            there = {*nodes}
            for source in (source for node in nodes for source in node.inputs):
                if source.node not in there and source != start and not _is_constant(source.node):
                    raise ConfigError(
                        f"The backbone's {ends[end.name]} reads more than the map before it",
                        expected="a backbone of one stage behind the other",
                        received=f"{source.node.name}, which is not {start.node.name}",
                        where=self.where,
                        fix="sharing 'cgc', which mixes maps at the end",
                    )
            start = Output(end)
        return stages

    def _expert(
        self,
        stage: _Stage,
        number: int,
        head: str,
        read: Mapping[Output, Output],
        shared: dict[str, Node],
        copies: dict[str, str],
    ) -> dict[Node, Node]:
        """Copy a stage for a head: of a shared expert, layers and statistics alone."""
        is_shared = number < self.shared
        layers = f"{head}_expert_shared{number}_" if is_shared else f"{head}_expert{number}_"
        nodes: dict[Node, Node] = {}
        for node in stage.nodes:
            sources = [read.get(s, s) for s in node.inputs]
            inputs = tuple(s._replace(node=nodes.get(s.node, s.node)) for s in sources)
            if is_shared and node.is_variable and not is_statistic(node):
                name = f"expert{number}_{node.name}"
                nodes[node] = shared.setdefault(name, replace(node, name=name))
            else:
                name = f"{layers}{node.name}"
                nodes[node] = replace(node, name=name, inputs=inputs)
            copies[name] = node.name
        return nodes

    def text(self) -> str:
        """See `Sharing.text`."""
        stage = "" if self.stride is None else f" behind {STAGE_OF[self.stride]}"
        return (
            f"each head reads gated sums of {self.shared} shared experts and "
            f"{self.specific} of its own after each stage{stage}"
        )


def _is_constant(node: Node) -> bool:
    """Whether a layer reads nothing, as numbers do that are written into the graph."""
    return not node.is_variable and not node.inputs
