"""Stages of a backbone: what their maps are, and what is behind them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from densefit.errors import ConfigError
from densefit.model.heads.features import Features
from densefit.model.symbol_graph import Node, SymbolGraph
from densefit.registry import nearest

#: Stage -> stride of its map.
STAGES = {"stage1": 4, "stage2": 8, "stage3": 16, "stage4": 32}
STAGE_OF = {stride: stage for stage, stride in STAGES.items()}


def stride_of(stage: Any, where: str) -> int:
    """The stride of a stage by name, or the stride itself.

    Raises:
        ConfigError: neither a stage nor the stride of one.
    """
    stride = STAGES.get(stage, stage)
    if stride not in STAGE_OF:
        raise ConfigError(
            "Heads share a backbone until a stage",
            expected=f"one of {', '.join(STAGES)}, or its stride",
            received=repr(stage),
            where=where,
            fix=nearest(str(stage), STAGES),
        )
    return int(stride)


def end_of(whole: Features, stride: int, where: str) -> str:
    """Name of the last layer of a stage.

    Args:
        whole: features of a backbone at an output stride of 32, whose maps end the stages.
        stride: of the stage's map.
        where: the setting that names the stage, for errors.

    Raises:
        ConfigError: the backbone has no such map.
    """
    if stride not in whole.maps:
        raise ConfigError(
            f"The backbone has no map at stride {stride}",
            expected=f"one of {', '.join(STAGE_OF[s] for s in whole.maps if s in STAGE_OF)}",
            where=where,
        )
    return SymbolGraph.of(whole.maps[stride]).heads[0].node.name


def layers_behind(graph: SymbolGraph, end: str, stage: str, where: str) -> list[Node]:
    """The layers that compute with the last one of a stage, and their parameters.

    Args:
        graph: of the backbone.
        end: name of the last layer of the stage.
        stage: its name, for errors.
        where: the setting that names it, for errors.

    Raises:
        ConfigError: there are none.
    """
    behind: set[Node] = set()
    from_data: set[Node] = set()
    for node in graph.nodes:
        if any(source.node in behind or source.node.name == end for source in node.inputs):
            behind.add(node)
        if node.name == "data" or any(source.node in from_data for source in node.inputs):
            from_data.add(node)
    private: set[Node] = set()
    for node in reversed(graph.nodes):  # layers of parameters alone, too: a reshaped scale
        readers = graph.readers[node]
        if node not in from_data and readers and all(r in behind or r in private for r in readers):
            private.add(node)
    if not any(node.is_variable for node in private):
        raise ConfigError(
            f"The backbone has no layers behind {stage} that heads could have of their own",
            where=where,
            fix=f"an earlier stage; heads share the whole backbone without {where.split()[0]}",
        )
    return [node for node in graph.nodes if node in behind or node in private]


def learned_nodes(graph: SymbolGraph) -> set[Node]:
    """Parameters and statistics of a backbone, and the layers that compute with them."""
    learned: set[Node] = set()
    for node in graph.nodes:
        is_parameter = node.is_variable and node.name != "data"
        if is_parameter or any(source.node in learned for source in node.inputs):
            learned.add(node)
    return learned


def copied(node: Node, nodes: Mapping[Node, Node], prefix: str) -> Node:
    """A copy of a node that reads copies of its inputs, with a name of its own."""
    inputs = tuple(source._replace(node=nodes[source.node]) for source in node.inputs)
    return replace(node, name=f"{prefix}{node.name}", inputs=inputs)


def check_names(names: Collection[str], taken: Collection[str], where: str) -> None:
    """Raise ConfigError if copies of layers would have names of other layers."""
    twice = sorted(set(names) & set(taken))
    if twice:
        raise ConfigError(
            "Two layers would have one name",
            received=", ".join(twice[:3]),
            where=where,
            fix="other names of heads",
        )
