"""Graphs without non-maximum suppression: all candidates come out, for runtimes without it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from densefit.errors import ExportError
from densefit.model.symbol_graph import Node, SymbolGraph

_ROWS = ("_copy", "slice_axis")  # layers between the suppression and an output of its rows


@dataclass(frozen=True)
class Suppression:
    """A suppression that is left out of a graph; the reader of the outputs has to do it.

    Attributes:
        output: short name of the output with the candidates: [class, score, x1, y1, x2, y2].
        iou: IoU above which the worse of two boxes of a class is dropped.
        threshold: candidates of this score, or a lower one, are dropped.
        limit: number of detections that are kept.
    """

    output: str
    iou: float
    threshold: float
    limit: int | None


def without_suppression(graph: SymbolGraph) -> tuple[SymbolGraph, list[Suppression]]:
    """Replace each box_nms by its input, and keep all of its rows.

    A suppression that other layers read, such as that of proposals, stays.

    Raises:
        ExportError: no output has the rows of any suppression.
    """
    all_nodes = [node for node in graph.nodes if _is_nms(node)]
    last = {node for head in graph.outputs.values() for node in _sources(head.node)}
    left_out = [node for node in all_nodes if node in last] or all_nodes
    suppressions = [_suppression(graph, node) for node in left_out]

    def change(node: Node, new: Node) -> Node:
        source = new.inputs[0] if new.inputs else None
        if source is None or source.number:
            return new
        if node in left_out or (_cuts_rows(node) and node.inputs[0].node in left_out):
            return Node("_copy", node.name, (source,))
        return new

    return graph.rewrite(change), suppressions


def _is_nms(node: Node) -> bool:
    return node.op == "_contrib_box_nms"


def _cuts_rows(node: Node) -> bool:
    """Whether a node keeps the first rows of a suppression."""
    return (
        node.op == "slice_axis"
        and _is_nms(node.inputs[0].node)
        and node.attr("axis") == "1"
        and node.attr("begin") == "0"
    )


def _suppression(graph: SymbolGraph, nms: Node) -> Suppression:
    columns = {"score_index": "1", "coord_start": "2", "id_index": "0"}
    named = [name for name, head in graph.outputs.items() if nms in _sources(head.node)]
    if not named or any(nms.attr(key) != column for key, column in columns.items()):
        raise ExportError(
            f"The suppression {nms.name!r} cannot be left out: no output has its rows",
            expected="an output of rows [class, score, x1, y1, x2, y2, ...]",
            received=f"outputs {', '.join(graph.outputs)}, settings {dict(nms.attrs)}",
            fix="export it with the suppression, raw=False",
        )
    limits = [int(node.attr("end")) for node in graph.readers[nms] if _cuts_rows(node)]
    return Suppression(
        named[0],
        float(nms.attr("overlap_thresh", "0.5")),
        float(nms.attr("valid_thresh", "0")),
        min(limits, default=None),
    )


def _sources(node: Node) -> Iterable[Node]:
    """The layers that an output takes its rows from."""
    nodes = [node]
    while nodes[-1].op in _ROWS:
        nodes.append(nodes[-1].inputs[0].node)
    return nodes
