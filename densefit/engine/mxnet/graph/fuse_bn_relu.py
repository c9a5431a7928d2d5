"""BatchNorm and the ReLU behind it as one operator, where MXNet has one: on CPUs."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from densefit.backend import mx, symbol_of
from densefit.engine.mxnet.graph.known_values import inner_outputs
from densefit.engine.mxnet.graph.onednn_layouts import Layouts, attribute

_FUSED = "_contrib_BatchNormWithReLU"


def fuse_relu(
    symbol: Any,
    shapes: Mapping[str, Sequence[int]],
    devices: Sequence[Any],
    types: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """The Symbol in which a ReLU that alone follows a BatchNorm is part of it.

    Outputs and gradients stay bit-equal; the backward pass reads one bit a number in place of the
    number, and a pass over the map is saved in both directions.

    MXNet has it on CPUs, and its backward pass fails where map and gradient lie in memory in
    different blocks (see `densefit.engine.mxnet.graph.onednn_layouts`). So the BatchNorm must
    follow a convolution that makes blocks of 16, and nothing behind it may hand back others;
    elsewhere the Symbol stays as it is.

    Args:
        symbol: a train graph; what is not in float32 stays.
        shapes: of its inputs, by name.
        devices: it is to be bound to.
        types: dtypes of its inputs, by name; the others follow.
    """
    if any(device.device_type != "cpu" for device in devices) or not fusion_works():
        return symbol
    graph = json.loads(symbol.tojson(remove_amp_cast=False))
    nodes = graph["nodes"]
    uses = Counter(entry[0] for node in nodes for entry in node["inputs"])
    uses.update(entry[0] for entry in graph["heads"])
    known = inner_outputs(symbol, shapes, types)
    layouts = Layouts(
        nodes, {node: own for (node, number), (own, _) in known.items() if not number}
    )
    behind: dict[int, int] = {}  # ReLU -> the BatchNorm before it
    for number, node in enumerate(nodes):
        if node["op"] == "relu" or (
            node["op"] == "Activation" and attribute(node, "act_type", "") == "relu"
        ):
            before = node["inputs"][0][0]
            kind = known.get((nodes[before]["name"], 0), ((), None))[1]
            fits = uses[before] == 1 and _is_usual(nodes[before]) and kind == np.float32
            if fits and layouts.in_sixteens(nodes[before]["inputs"][0][0]):
                if layouts.gradient_fits(number):
                    behind[number] = before
    if not behind:
        return symbol
    return symbol_of(_without(graph, behind))


def _is_usual(node: Mapping[str, Any]) -> bool:
    """Whether a node is a BatchNorm of (B, C, ...) of which only the map is used."""
    return (
        node["op"] == "BatchNorm"
        and attribute(node, "axis", "1") == "1"
        and attribute(node, "output_mean_var", "False") in ("False", "0")
    )


def _without(graph: Mapping[str, Any], behind: Mapping[int, int]) -> dict[str, Any]:
    """The graph whose ReLUs are gone, and the BatchNorms before them of the fused kind."""
    nodes: list[dict[str, Any]] = []
    moved: dict[int, int] = {}
    fused = set(behind.values())
    for number, node in enumerate(graph["nodes"]):
        if number in behind:
            moved[number] = moved[behind[number]]
            continue
        moved[number] = len(nodes)
        inputs = [[moved[entry[0]], *entry[1:]] for entry in node["inputs"]]
        made = {**node, "inputs": inputs}
        if number in fused:
            kept = ("eps", "momentum", "fix_gamma", "use_global_stats", "axis")
            given = {key: value for key, value in node.get("attrs", {}).items() if key in kept}
            own = {key: value for key, value in node.get("attrs", {}).items() if key[:2] == "__"}
            made.update(op=_FUSED, attrs={**given, **own})
        nodes.append(made)
    return {
        **graph,
        "nodes": nodes,
        "arg_nodes": [number for number, node in enumerate(nodes) if node["op"] == "null"],
        "node_row_ptr": list(range(len(nodes) + 1)),
        "heads": [[moved[entry[0]], *entry[1:]] for entry in graph["heads"]],
    }


@functools.cache
def fusion_works() -> bool:
    """Whether this MXNet has the operator, and trains with it on this processor: it is tried.

    Processors without AVX2 lay maps otherwise, and gradients would be wrong without a word.
    """
    if not hasattr(mx.sym.contrib, "BatchNormWithReLU"):
        return False
    x = mx.sym.Variable("data")
    for number, side in enumerate((3, 1, 3)):
        x = mx.sym.Convolution(
            x, kernel=(side, side), pad=(side // 2,) * 2, num_filter=16, name=f"probe{number}"
        )
        x = mx.sym.BatchNorm(x, fix_gamma=False, name=f"probe_bn{number}")
        x = mx.sym.Activation(x, act_type="relu", name=f"probe_relu{number}")
    plain = mx.sym.MakeLoss(mx.sym.sum(mx.sym.square(x), axis=(1, 2, 3)))
    graph = json.loads(plain.tojson(remove_amp_cast=False))
    relus = [k for k, node in enumerate(graph["nodes"]) if node["op"] == "Activation"]
    behind = {number: graph["nodes"][number]["inputs"][0][0] for number in relus}
    fused = symbol_of(_without(graph, behind))
    try:
        expected, found = _gradients(plain), _gradients(fused)
    except (mx.base.MXNetError, RuntimeError):
        return False
    return all(np.array_equal(expected[name], found[name]) for name in expected)


def _gradients(symbol: Any) -> dict[str, np.ndarray]:
    """Of a small batch of drawn values."""
    executor = symbol.simple_bind(mx.cpu(), data=(2, 16, 9, 11))
    rng = np.random.default_rng(0)
    for array in executor.arg_dict.values():
        array[:] = rng.normal(size=array.shape)
    executor.forward(is_train=True)
    executor.backward()
    return {name: array.asnumpy() for name, array in executor.grad_dict.items()}
