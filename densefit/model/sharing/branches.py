"""Later stages of the backbone for each head, or each group of heads: a tree of heads.

Which layers tasks should share depends on the tasks (Vandenhende et al., BMVC 2020,
arXiv:1904.02920: branched multi-task networks). What is behind a stage is copied in the graph, so
that heads, engines, checkpoints and exports see a network like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.model.heads.features import Features
from densefit.model.sharing.feature_symbols import features_by_head, symbols_of
from densefit.model.sharing.stages import (
    STAGE_OF,
    check_names,
    copied,
    end_of,
    layers_behind,
    stride_of,
)
from densefit.model.symbol_graph import Node, SymbolGraph
from densefit.registry import nearest
from densefit.symbol import sym

_WHERE = "share_until"

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
    stages = {stride_of(stage, _WHERE): groups for stage, groups in share_until.items()}
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
    graph = SymbolGraph.of(sym.Group(symbols_of(features)))
    nodes: dict[Group, dict[Node, Node]] = {tuple(heads): {node: node for node in graph.nodes}}
    copies: dict[str, str] = {}
    taken = {node.name for node in graph.nodes}
    for stride, groups in branches(share_until, heads):
        behind = layers_behind(graph, end_of(whole, stride, _WHERE), STAGE_OF[stride], _WHERE)
        parted = {}
        for group in groups:
            parent = next(parent for parent in nodes if set(group) <= set(parent))
            if parent == group:
                parted[group] = nodes[parent]
                continue
            prefix = f"{'_'.join(group)}_"
            parted[group] = _copied(behind, nodes[parent], prefix)
            names = {f"{prefix}{node.name}": node.name for node in behind}
            check_names(names.keys(), taken, f"share_until, heads {', '.join(group)}")
            taken |= names.keys()
            copies.update(names)
        nodes = parted
    at = {head: parts for group, parts in nodes.items() for head in group}
    outputs = {
        head: [output._replace(node=at[head][output.node]) for output in graph.heads]
        for head in heads
    }
    result, read = features_by_head(features, graph, outputs)
    return result, {k: v for k, v in copies.items() if k in read}


def _group(group: Any, heads: Sequence[str], stride: int) -> Group:
    names = tuple(group) if isinstance(group, (list, tuple)) else (str(group),)
    for name in names:
        if name not in heads:
            raise ConfigError(
                f"There is no head {name!r}",
                where=f"share_until, {STAGE_OF[stride]}",
                fix=nearest(str(name), heads),
            )
    return tuple(head for head in heads if head in names)


def _check_apart(named_groups: Sequence[Group], present: Sequence[Group], stride: int) -> None:
    where = f"share_until, {STAGE_OF[stride]}"
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


def _copied(behind: Sequence[Node], parent: Mapping[Node, Node], prefix: str) -> dict[Node, Node]:
    nodes = dict(parent)
    for node in behind:
        nodes[node] = copied(node, nodes, prefix)
    return nodes
