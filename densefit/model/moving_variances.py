"""Moving variances among the auxiliary states of a graph."""

from __future__ import annotations

from typing import Any

from densefit.model.symbol_graph import SymbolGraph

_LAYERS = ("BatchNorm", "_contrib_SyncBatchNorm", "_contrib_BatchNormWithReLU")
_VARIANCE = 4  # input of a layer: data, gamma, beta, moving mean, moving variance


def moving_variances(symbol: Any) -> set[str]:
    """Names of the moving variances of all BatchNorm layers of a Symbol."""
    return {
        node.inputs[_VARIANCE].node.name
        for node in SymbolGraph.of(symbol).nodes
        if node.op in _LAYERS and len(node.inputs) > _VARIANCE
    }
