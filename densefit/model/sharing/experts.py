"""Mixtures of experts: copies of a backbone's layers, of which each head reads a gated sum."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.model.heads.features import Features
from densefit.model.sharing.feature_symbols import features_by_head, symbols_of
from densefit.model.sharing.gates import mixed
from densefit.model.sharing.grafting import grafted
from densefit.model.sharing.sharing import Sharing
from densefit.model.sharing.stages import (
    STAGE_OF,
    check_names,
    copied,
    end_of,
    layers_behind,
    learned_nodes,
    stride_of,
)
from densefit.model.symbol_graph import Node, Output, SymbolGraph
from densefit.symbol import sym


class Experts(Sharing):
    """Copies of what is behind a stage, of which each head reads a sum by its gate.

    Args:
        behind: the stage whose map the experts and gates read; None: experts are whole backbones,
            and gates read the normalised image.
        shared: number of experts that all heads read.
        specific: number of experts of each head alone.

    Raises:
        ConfigError: an unknown stage, or numbers that make no mixture.
    """

    def __init__(self, behind: str | int | None, shared: int, specific: int) -> None:
        self.where = f"sharing {self.name!r}"
        for setting, count, least in (("shared", shared, 1), ("specific", specific, 0)):
            if isinstance(count, bool) or not isinstance(count, int) or count < least:
                raise ConfigError(
                    "Experts are counted",
                    expected=f"{least} or more",
                    received=f"{setting}={count!r}",
                    where=self.where,
                )
        self.stride = None if behind is None else stride_of(behind, self.where)
        self.shared, self.specific = shared, specific

    @abstractmethod
    def gate(self, x: Any, name: str, experts: int) -> Any:
        """Build shares (B, experts) of a map (B, C, H, W)."""

    def share(
        self, features: Features, whole: Features, heads: Sequence[str]
    ) -> tuple[dict[str, Features], dict[str, str]]:
        """See `Sharing.share`."""
        graph = SymbolGraph.of(sym.Group(symbols_of(features)))
        behind, read = self._behind(graph, whole)
        names = [f"expert{number}_" for number in range(self.shared)]
        by_head = {head: [f"{head}_expert{n}_" for n in range(self.specific)] for head in heads}
        prefixes = [*names, *(prefix for part in by_head.values() for prefix in part)]
        copies = {f"{prefix}{node.name}": node.name for prefix in prefixes for node in behind}
        check_names(copies, [node.name for node in graph.nodes], self.where)
        nodes = {prefix: {node: node for node in graph.nodes} for prefix in prefixes}
        for prefix in prefixes:
            for node in behind:
                nodes[prefix][node] = copied(node, nodes[prefix], prefix)
        outputs = {}
        for head in heads:
            mixture = {prefix: nodes[prefix] for prefix in [*names, *by_head[head]]}
            outputs[head] = self._read(graph, set(behind), read, mixture, head)
        result, there = features_by_head(features, graph, outputs)
        return result, {name: original for name, original in copies.items() if name in there}

    def _behind(self, graph: SymbolGraph, whole: Features) -> tuple[list[Node], Output]:
        """What experts are copies of, and what they read."""
        if self.stride is not None:
            end = end_of(whole, self.stride, self.where)
            behind = layers_behind(graph, end, STAGE_OF[self.stride], self.where)
            return behind, Output(next(node for node in graph.nodes if node.name == end))
        learned = learned_nodes(graph)
        images = [
            source
            for node in graph.nodes
            for source in node.inputs
            if node in learned and source.node not in learned
        ]
        return [node for node in graph.nodes if node in learned], images[0]

    def _read(
        self,
        graph: SymbolGraph,
        behind: set[Node],
        read: Output,
        mixture: Mapping[str, Mapping[Node, Node]],
        head: str,
    ) -> list[Output]:
        """The maps that a head reads."""
        name = f"{head}_{self.name}"
        shares = grafted(lambda x: self.gate(x, f"{name}_gate", len(mixture)), read, name=name)
        mixtures: dict[Output, Output] = {}
        for output in graph.heads:
            if output.node in behind and output not in mixtures:
                maps = [output._replace(node=nodes[output.node]) for nodes in mixture.values()]
                part = f"{name}_{output.node.name}"
                mixtures[output] = grafted(mixed, shares, *maps, name=part)
        return [mixtures.get(output, output) for output in graph.heads]

    def text(self) -> str:
        """See `Sharing.text`."""
        kind = "backbones" if self.stride is None else f"experts behind {STAGE_OF[self.stride]}"
        more = f" and {self.specific} of its own" if self.specific else ""
        return f"each head reads a gated sum of {self.shared} shared {kind}{more}"
