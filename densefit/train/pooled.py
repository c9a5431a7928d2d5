"""Means over whole maps as poolings, for graphs that are only evaluated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.backend import mx

_YES = ("True", "true", "1")
_ROWS_AND_COLUMNS = ("(2, 3)", "[2, 3]", "(-2, -1)", "[-2, -1]")


def with_poolings(symbol: Any, shapes: Mapping[str, Any], types: Mapping[str, Any]) -> Any:
    """The graph with global poolings in place of `mean` over rows and columns that keeps the axes.

    They give the same numbers but for the last bits. In training the mean is the faster of the
    two, since the backward pass of MXNet's global pooling is slow; forward, the pooling takes a
    map in the layout that convolutions leave it in, where the mean has it copied first.

    Args:
        symbol: an eval graph.
        shapes: of its inputs, by name.
        types: dtypes of its data, by name.
    """
    graph = json.loads(symbol.tojson(remove_amp_cast=False))
    nodes = graph["nodes"]
    means = [node for node in nodes if node["op"] == "mean" and _over_a_map(node)]
    maps = _float_maps(symbol, shapes, types) if means else set()
    changed = False
    for node in means:
        place, output = node["inputs"][0][:2]
        if (nodes[place]["name"], output) in maps:
            node["op"] = "Pooling"
            node["attrs"] = {"global_pool": "True", "kernel": "(1, 1)", "pool_type": "avg"}
            changed = True
    return mx.sym.load_json(json.dumps(graph)) if changed else symbol


def _over_a_map(node: Mapping[str, Any]) -> bool:
    attributes = node.get("attrs", {})
    return (
        attributes.get("axis") in _ROWS_AND_COLUMNS
        and attributes.get("keepdims", "False") in _YES
        and attributes.get("exclude", "False") not in _YES
    )


def _float_maps(
    symbol: Any, shapes: Mapping[str, Any], types: Mapping[str, Any]
) -> set[tuple[str, int]]:
    """(node, output) of what is (B, C, H, W) float32."""
    inner = symbol.get_internals()
    _, found, _ = inner.infer_shape_partial(**shapes)
    _, kinds, _ = inner.infer_type(**types)
    seen: dict[str, int] = {}
    maps = set()
    for number in range(len(found)):
        node = inner[number].name
        output = seen.get(node, 0)
        seen[node] = output + 1
        if len(found[number]) == 4 and kinds is not None and kinds[number] == np.float32:
            maps.add((node, output))
    return maps
