"""Layer-wise learning-rate decay: lower rates for layers nearer to the input."""

from __future__ import annotations

import glob
from typing import Any

from densefit.engine import loss_labels
from densefit.model.network import Network
from densefit.model.symbol_graph import Node, SymbolGraph
from densefit.numeric import real

_LAYERS = ("Convolution", "Deconvolution", "FullyConnected")


def layer_decay(network: Any, decay: float) -> dict[str, dict[str, float]]:
    """Return groups for `fit(groups=...)` with a factor `decay` for each later layer.

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
        symbol: graph in which all inputs of a layer but the first are parameters.
    """
    graph = SymbolGraph.of(symbol, amp_casts=False)
    behind: dict[Node, int] = {}  # layers behind the output of a node
    for node in reversed(graph.nodes):
        readers = graph.readers[node]
        behind[node] = max(
            (behind[reader] + (reader.op in _LAYERS) for reader in readers), default=0
        )
    counts = {
        source.node.name: behind[node]
        for node in graph.nodes
        for source in node.inputs[1:]
        if source.node.is_variable
    }
    states = set(symbol.list_auxiliary_states())
    return {name: count for name, count in counts.items() if name not in states}
