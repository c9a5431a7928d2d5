"""BatchNorm folded into the layer before it, for graphs that are only evaluated."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.backend import symbol_of

_LAYERS = ("Convolution", "FullyConnected")
_NO = ("False", "false", "0")


@dataclass(frozen=True)
class Fold:
    """A BatchNorm that is computed by the layer before it.

    Attributes:
        weight, bias: the layer's parameters.
        has_bias: whether the layer had a bias of its own; if not, `bias` is made.
        gamma, beta, mean, variance: the BatchNorm's.
        fix_gamma: whether gamma counts as 1, whatever its value.
        epsilon: is added to the variance.
    """

    weight: str
    bias: str
    has_bias: bool
    gamma: str
    beta: str
    mean: str
    variance: str
    fix_gamma: bool
    epsilon: float

    def reads(self) -> list[str]:
        """Names of the parameters that the folded ones are made of."""
        own = [self.weight, self.gamma, self.beta, self.mean, self.variance]
        return [*own, self.bias] if self.has_bias else own


def fold(symbol: Any) -> tuple[Any, list[Fold]]:
    """The graph without the BatchNorms that can be folded, and what was folded.

    One can be if it normalises the channels of a Convolution or FullyConnected whose output and
    parameters nothing else uses: a layer that several BatchNorms read, or that shares its weight
    with another, stays as it is. Outputs keep their names and order.

    Args:
        symbol: an eval graph.

    Returns:
        (Symbol, the folds). The folded layers all have a bias; nothing of the BatchNorms is left.
    """
    graph = json.loads(symbol.tojson(remove_amp_cast=False))
    nodes = graph["nodes"]
    found: dict[int, Fold] = {}  # place of the layer -> its fold
    replaced: dict[int, int] = {}  # place of the BatchNorm -> place of the layer
    used = Counter(source[0] for node in nodes for source in node["inputs"])
    shown = {source[0] for source in graph["heads"]}
    taken = {node["name"] for node in nodes}
    for place, node in enumerate(nodes):
        if node["op"] != "BatchNorm" or place in shown:
            continue
        layer = node["inputs"][0][0]
        if layer in shown or not _folds(nodes, place, used):
            continue
        own, attributes = nodes[layer], node.get("attrs", {})
        gamma, beta, mean, variance = (nodes[one[0]]["name"] for one in node["inputs"][1:])
        has_bias = len(own["inputs"]) == 3
        bias = (
            nodes[own["inputs"][2][0]]["name"] if has_bias else _free(f"{own['name']}_bias", taken)
        )
        found[layer] = Fold(
            weight=nodes[own["inputs"][1][0]]["name"],
            bias=bias,
            has_bias=has_bias,
            gamma=gamma,
            beta=beta,
            mean=mean,
            variance=variance,
            fix_gamma=attributes.get("fix_gamma", "True") not in _NO,
            epsilon=float(attributes.get("eps", 1e-3)),
        )
        replaced[place] = layer
    if not found:
        return symbol, []
    dropped = {
        *replaced,
        *(source[0] for place in replaced for source in nodes[place]["inputs"][1:]),
    }
    folded = symbol_of(_rewritten(graph, found, replaced, dropped))
    return folded, list(found.values())


def fold_parameters(
    folds: Sequence[Fold], parameters: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The values of the folded layers' weights and biases.

    Args:
        folds: what `fold` gave.
        parameters: name -> value of all parameters and moving statistics of the graph.

    Returns:
        name -> float32, the weight times s and (bias - mean) s + beta, where s is gamma divided
        by the root of the variance plus epsilon (Ioffe and Szegedy, 2015, section 3.1).
    """
    made = {}
    for one in folds:
        mean, variance, beta = (
            np.asarray(parameters[name], np.float64) for name in (one.mean, one.variance, one.beta)
        )
        weight = np.asarray(parameters[one.weight], np.float32)
        # Broken statistics give nan here as they do in BatchNorm: scores must show it.
        with np.errstate(all="ignore"):
            scale = 1.0 / np.sqrt(variance + one.epsilon)
            if not one.fix_gamma:
                scale = scale * parameters[one.gamma]
            bias = parameters[one.bias] if one.has_bias else 0.0
            made[one.bias] = ((bias - mean) * scale + beta).astype(np.float32)
            column = scale.astype(np.float32).reshape(-1, *[1] * (weight.ndim - 1))
            made[one.weight] = weight * column
    return made


def _folds(nodes: Sequence[Mapping[str, Any]], place: int, used: Mapping[int, int]) -> bool:
    """Whether the BatchNorm at `place` can be computed by the layer before it."""
    node = nodes[place]
    source, output = node["inputs"][0][:2]
    layer, attributes = nodes[source], node.get("attrs", {})
    own = layer.get("attrs", {})
    parameters = [one[0] for one in (*layer["inputs"][1:], *node["inputs"][1:])]
    if own.get("flatten", "True") in _NO or str(own.get("layout", "None")) not in (
        "None", "NCW", "NCHW", "NCDHW",
    ):  # fmt: skip
        return False
    return (
        layer["op"] in _LAYERS
        and output == 0
        and int(attributes.get("axis", 1)) == 1
        # Mean and variance are outputs as well, to be left out only where nobody asks for them.
        and attributes.get("output_mean_var", "False") in _NO
        and used[source] == 1
        and all(nodes[one]["op"] == "null" and used[one] == 1 for one in parameters)
    )


def _free(name: str, taken: set[str]) -> str:
    """`name`, or one like it that no node has."""
    while name in taken:
        name += "_folded"
    taken.add(name)
    return name


def _rewritten(
    graph: Mapping[str, Any],
    found: Mapping[int, Fold],
    replaced: Mapping[int, int],
    dropped: set[int],
) -> dict[str, Any]:
    """The graph as JSON, with folded layers in place of the BatchNorms."""
    nodes: list[dict[str, Any]] = []
    moved: dict[int, int] = {}
    for place, node in enumerate(graph["nodes"]):
        if place in replaced:
            moved[place] = moved[replaced[place]]
            continue
        if place in dropped:
            continue
        inputs = [[moved[source[0]], *source[1:]] for source in node["inputs"]]
        attributes = dict(node.get("attrs", {}))
        if place in found and not found[place].has_bias:
            nodes.append({"op": "null", "name": found[place].bias, "inputs": []})
            inputs.append([len(nodes) - 1, 0, 0])
            attributes["no_bias"] = "False"
        moved[place] = len(nodes)
        nodes.append({**node, "attrs": attributes, "inputs": inputs})
    return {
        "nodes": nodes,
        "arg_nodes": [place for place, node in enumerate(nodes) if node["op"] == "null"],
        "node_row_ptr": list(range(len(nodes) + 1)),
        "heads": [[moved[source[0]], *source[1:]] for source in graph["heads"]],
        "attrs": graph.get("attrs", {}),
    }
