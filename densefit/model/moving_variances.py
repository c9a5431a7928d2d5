"""Which auxiliary states of a graph are moving variances."""

from __future__ import annotations

import json
from typing import Any

_LAYERS = ("BatchNorm", "_contrib_SyncBatchNorm", "_contrib_BatchNormWithReLU")
_VARIANCE = 4  # input of a layer: data, gamma, beta, moving mean, moving variance


def moving_variances(symbol: Any) -> set[str]:
    """Names of the moving variances of all BatchNorm layers of a Symbol."""
    nodes = json.loads(symbol.tojson(remove_amp_cast=False))["nodes"]
    return {
        nodes[node["inputs"][_VARIANCE][0]]["name"]
        for node in nodes
        if node["op"] in _LAYERS and len(node["inputs"]) > _VARIANCE
    }
