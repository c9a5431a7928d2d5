"""Means over whole maps as poolings, for graphs that are only evaluated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.backend import symbol_of
from densefit.engine.mxnet.graph.known_values import inner_outputs

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
    known = inner_outputs(symbol, shapes, types) if means else {}
    changed = False
    for node in means:
        place, output = node["inputs"][0][:2]
        shape, kind = known.get((nodes[place]["name"], output), ((), None))
        if len(shape) == 4 and kind == np.float32:
            node["op"] = "Pooling"
            node["attrs"] = {"global_pool": "True", "kernel": "(1, 1)", "pool_type": "avg"}
            changed = True
    return symbol_of(graph) if changed else symbol


def _over_a_map(node: Mapping[str, Any]) -> bool:
    attributes = node.get("attrs", {})
    return (
        attributes.get("axis") in _ROWS_AND_COLUMNS
        and attributes.get("keepdims", "False") in _YES
        and attributes.get("exclude", "False") not in _YES
    )
