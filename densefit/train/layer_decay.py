"""Layer-wise learning-rate decay: lower rates for layers nearer to the input."""

from __future__ import annotations

import glob
import json
from typing import Any

from densefit.engine import loss_labels
from densefit.model.network import Network
from densefit.numeric import real


def layer_decay(network: Any, decay: float) -> dict[str, dict[str, float]]:
    """Make groups for `fit(groups=...)` with a factor `decay` for each layer behind a parameter.

    As timm's layer decay: the factor is decay ** (last - layer), for fine-tuning (Clark et al.,
    "ELECTRA", ICLR 2020; Bao et al., "BEiT", ICLR 2022). A layer is a convolution or a fully
    connected layer, with the normalisation behind it. Layers are counted along the longest path to
    an output, so that parallel branches and heads count alike. Each output's last layer has the
    factor 1.

    Args:
        network: a Network, or an MXNet Symbol whose labels go into MXNet's loss layers.
        decay: above 0, at most 1. With some 20 layers, 0.9 leaves 0.13 for the first.

    Raises:
        ConfigError: decay out of range.

    Example:
        `groups = {**df.surgery.layer_decay(network, 0.9), "*_gamma": {"wd": 0}}`, then
        `df.fit(network, ..., groups=groups)`.
    """
    real(decay, "decay", above=0.0, most=1.0, where="layer_decay")
    if isinstance(network, Network):
        symbol = network.graph("evaluate", (64, 64))
        labels = {label for adapter in network.adapters.values() for label in adapter.labels}
    else:
        symbol, labels = network, set(loss_labels(network))
    behind = layers_behind(symbol)
    return {
        glob.escape(name): {"lr": decay**count}
        for name, count in behind.items()
        if name not in labels
    }


def layers_behind(symbol: Any) -> dict[str, int]:
    """Count the layers on the longest path from each parameter to an output, in symbol order.

    Args:
        symbol: graph whose layers have parameters as all inputs but the first.
    """
    graph = json.loads(symbol.tojson())
    nodes = graph["nodes"]
    users: list[list[int]] = [[] for _ in nodes]
    for number, node in enumerate(nodes):
        for entry in node["inputs"]:
            users[entry[0]].append(number)

    def is_layer(node: dict[str, Any]) -> bool:
        return node["op"] in ("Convolution", "Deconvolution", "FullyConnected")

    after = [0] * len(nodes)  # layers behind each node's output
    for number in reversed(range(len(nodes))):
        after[number] = max(
            (after[user] + is_layer(nodes[user]) for user in users[number]), default=0
        )
    counts: dict[str, int] = {}
    for number, node in enumerate(nodes):
        for entry in node["inputs"][1:] if node["op"] != "null" else ():
            source = nodes[entry[0]]
            if source["op"] == "null":
                counts[source["name"]] = after[number]
    states = set(symbol.list_auxiliary_states())
    return {name: count for name, count in counts.items() if name not in states}
