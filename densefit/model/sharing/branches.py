"""Later stages of the backbone for each head, or each group of heads: a tree of heads.

Which layers tasks should share depends on the tasks (Vandenhende et al., BMVC 2020,
arXiv:1904.02920: branched multi-task networks). What is behind a stage is copied in the graph, so
that heads, engines, checkpoints and exports see a network like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from densefit.errors import ConfigError
from densefit.model.heads.features import Features
from densefit.model.symbol_graph import Node, Output, SymbolGraph
from densefit.registry import nearest
from densefit.symbol import sym

#: Stage -> stride of its map.
STAGES = {"stage1": 4, "stage2": 8, "stage3": 16, "stage4": 32}
_STAGE_OF = {stride: stage for stage, stride in STAGES.items()}

Group = tuple[str, ...]
#: A stage after which all heads part, or stage -> the groups that part after it.
ShareUntil = str | int | Mapping[Any, Sequence[Sequence[str]]]


def branches(share_until: ShareUntil, heads: Sequence[str]) -> list[tuple[int, list[Group]]]:
    """The groups of heads behind each stage after which some part, by rising stride.

    >>> branches({"stage2": [["a", "b"]], "stage3": [["a"]]}, ["a", "b", "c"])
    [(8, [('a', 'b'), ('c',)]), (16, [('a',), ('b',), ('c',)])]

    Raises:
        ConfigError: an unknown stage or head, a head in two groups, a group of heads that have
            parted before, or nothing that parts.
    """
    if not isinstance(share_until, Mapping):
        share_until = {share_until: [[head] for head in heads]}
    stages = {_stride(stage): groups for stage, groups in share_until.items()}
    result: list[tuple[int, list[Group]]] = []
    present = [tuple(heads)]
    for stride, groups in sorted(stages.items()):
        named_groups = [_group(group, heads, stride) for group in groups]
        _check_apart(named_groups, present, stride)
        parted = [part for group in present for part in _parts(group, named_groups)]
        if parted != present:
            result.append((stride, parted))
        present = parted
    if not result:
        raise ConfigError(
            "No head parts from another",
            expected="several heads, or groups of some of them",
            received=f"share_until={share_until!r}, heads {', '.join(heads)}",
        )
    return result


def shared_by(share_until: ShareUntil | None, heads: Sequence[str]) -> ShareUntil | None:
    """The tree of these heads; None if no head has layers of the backbone for itself."""
    if not isinstance(share_until, Mapping):
        return share_until if len(heads) > 1 else None
    groups = {
        stage: [[name for name in group if name in heads] for group in groups]
        for stage, groups in share_until.items()
    }
    return {stage: [group for group in parts if group] for stage, parts in groups.items()}


def branched(
    features: Features, whole: Features, share_until: ShareUntil, heads: Sequence[str]
) -> tuple[dict[str, Features], dict[str, str]]:
    """Copy what is behind a stage for each group of heads.

    Args:
        features: of the backbone.
        whole: of the same backbone at an output stride of 32, whose maps end the stages.
        share_until: see `Network`.
        heads: names of all heads.

    Returns:
        Features by head, and name of each copied layer or parameter -> its name in the backbone.

    Raises:
        ConfigError: nothing of the backbone is behind a stage, or a copy would have a name twice.
    """
    maps = dict(features.maps)
    symbols = [*maps.values(), *([features.auxiliary.symbol] if features.auxiliary else [])]
    graph = SymbolGraph.of(sym.Group(symbols))
    nodes: dict[Group, dict[Node, Node]] = {tuple(heads): {node: node for node in graph.nodes}}
    copies: dict[str, str] = {}
    taken = {node.name for node in graph.nodes}
    for stride, groups in branches(share_until, heads):
        behind = _behind(graph, _end_of(whole, stride), _STAGE_OF[stride])
        parted = {}
        for group in groups:
            parent = next(parent for parent in nodes if set(group) <= set(parent))
            if parent == group:
                parted[group] = nodes[parent]
                continue
            prefix = f"{'_'.join(group)}_"
            parted[group] = _copied(graph, behind, nodes[parent], prefix)
            names = {f"{prefix}{node.name}": node.name for node in behind}
            if names.keys() & taken:
                raise ConfigError(
                    "Two layers would have one name",
                    received=", ".join(sorted(names.keys() & taken)[:3]),
                    where=f"share_until, heads {', '.join(group)}",
                    fix="other names of heads",
                )
            taken |= names.keys()
            copies.update(names)
        nodes = parted
    outputs = [head._replace(node=at[head.node]) for at in nodes.values() for head in graph.heads]
    symbol = graph.select(outputs).symbol
    result = {}
    for number, group in enumerate(nodes):
        parts = [symbol[number * len(symbols) + index] for index in range(len(symbols))]
        part = replace(features, maps=dict(zip(maps, parts)))
        if features.auxiliary:
            part = replace(part, auxiliary=replace(features.auxiliary, symbol=parts[-1]))
        result.update(dict.fromkeys(group, part))
    read = {node.name for node in graph.select(outputs).nodes}
    return {head: result[head] for head in heads}, {k: v for k, v in copies.items() if k in read}


def _stride(stage: Any) -> int:
    stride = STAGES.get(stage, stage)
    if stride not in _STAGE_OF:
        raise ConfigError(
            "Heads share a backbone until a stage",
            expected=f"one of {', '.join(STAGES)}, or its stride",
            received=repr(stage),
            where="share_until",
            fix=nearest(str(stage), STAGES),
        )
    return int(stride)


def _group(group: Any, heads: Sequence[str], stride: int) -> Group:
    names = tuple(group) if isinstance(group, (list, tuple)) else (str(group),)
    for name in names:
        if name not in heads:
            raise ConfigError(
                f"There is no head {name!r}",
                where=f"share_until, {_STAGE_OF[stride]}",
                fix=nearest(str(name), heads),
            )
    return tuple(head for head in heads if head in names)


def _check_apart(named_groups: Sequence[Group], present: Sequence[Group], stride: int) -> None:
    where = f"share_until, {_STAGE_OF[stride]}"
    members = [name for group in named_groups for name in group]
    for name in members:
        if members.count(name) > 1:
            raise ConfigError(f"The head {name!r} is in two groups", where=where)
    for group in named_groups:
        if not any(set(group) <= set(other) for other in present):
            raise ConfigError(
                f"The heads {', '.join(group)} have parted at an earlier stage",
                expected=f"groups within {'; '.join(', '.join(other) for other in present)}",
                where=where,
            )


def _parts(group: Group, named_groups: Sequence[Group]) -> list[Group]:
    """What a group parts into: the named ones, and the rest together."""
    parts = [part for part in named_groups if set(part) <= set(group)]
    rest = tuple(name for name in group if not any(name in part for part in parts))
    return [*parts, *([rest] if rest else [])]


def _end_of(whole: Features, stride: int) -> str:
    if stride not in whole.maps:
        raise ConfigError(
            f"The backbone has no map at stride {stride}",
            expected=f"one of {', '.join(_STAGE_OF[s] for s in whole.maps if s in _STAGE_OF)}",
            where="share_until",
        )
    return SymbolGraph.of(whole.maps[stride]).heads[0].node.name


def _behind(graph: SymbolGraph, end: str, stage: str) -> list[Node]:
    """The layers that compute with the last one of a stage, and their parameters."""
    behind: set[Node] = set()
    for node in graph.nodes:
        if any(source.node in behind or source.node.name == end for source in node.inputs):
            behind.add(node)
    private = {
        node
        for node in graph.nodes
        if node.is_variable and graph.readers[node] and behind.issuperset(graph.readers[node])
    }
    if not private:
        raise ConfigError(
            f"The backbone has no layers behind {stage} that heads could have of their own",
            where="share_until",
            fix="an earlier stage; heads share the whole backbone without share_until",
        )
    return [node for node in graph.nodes if node in behind or node in private]


def _copied(
    graph: SymbolGraph, behind: Sequence[Node], parent: Mapping[Node, Node], prefix: str
) -> dict[Node, Node]:
    nodes = dict(parent)
    for node in behind:
        inputs = tuple(Output(nodes[out.node], *out[1:]) for out in node.inputs)
        nodes[node] = replace(node, name=f"{prefix}{node.name}", inputs=inputs)
    return nodes
