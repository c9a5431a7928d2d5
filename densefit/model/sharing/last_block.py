"""Where the last block of a stage begins, in any backbone."""

from __future__ import annotations

import re

from densefit.model.symbol_graph import Node, Output, SymbolGraph

_SHRINKS = re.compile(r"[2-9]")


def before_last_block(graph: SymbolGraph, end: Node, start: Node | None) -> Node:
    """The map that the last block of a stage reads, of the same size as the stage's map.

    It is the last one that all of the stage's map is computed from and that two layers read, as
    the first convolution and the shortcut of a residual block do; in stages without such a map,
    the one before the last convolution, or the stage's map itself.

    Args:
        graph: of the backbone.
        end: last layer of the stage.
        start: last layer of the stage before, None for the first stage.
    """
    of_end = {*graph.select([Output(end)]).nodes}
    maps: list[Node] = []
    position: dict[Node, int] = {}
    for node in graph.nodes:
        from_data = node.name == "data" or any(source.node in position for source in node.inputs)
        if node in of_end and from_data:
            position[node] = len(maps)
            maps.append(node)
    first = position.get(start, -1) + 1 if start is not None else 0
    readers = {node: [r for r in graph.readers[node] if r in position] for node in maps}
    reach, cuts = 0, []
    for number, node in enumerate(maps):
        if reach <= number and number >= first and node is not end:
            cuts.append(node)
        reach = max([reach, *(position[reader] for reader in readers[node])])
    chosen: Node | None = None
    has_convolution = False
    for node in reversed(maps):
        if node in cuts and has_convolution:
            if len(readers[node]) > 1:
                return node
            chosen = chosen or node
        if _SHRINKS.search(node.attr("stride")):
            break
        has_convolution = has_convolution or node.op == "Convolution"
    return chosen or end
