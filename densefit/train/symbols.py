"""What a Symbol says of itself: its label arguments, and how its losses are normalised."""

from __future__ import annotations

import json
from typing import Any

from densefit.model.route import short_name

# Operators whose second input is a label that only training reads.
LOSS_OPERATORS = (
    "SoftmaxOutput",
    "Softmax",
    "LinearRegressionOutput",
    "LogisticRegressionOutput",
    "MAERegressionOutput",
    "SVMOutput",
    "softmax_cross_entropy",
)


def loss_labels(symbol: Any) -> list[str]:
    """Names of the variables that feed the label input of MXNet's loss operators.

    MXNet itself would take a label that no iterator provides for a parameter, and train it.
    """
    nodes = json.loads(symbol.tojson())["nodes"]
    found = []
    for node in nodes:
        if node["op"] in LOSS_OPERATORS and len(node["inputs"]) > 1:
            source = nodes[node["inputs"][1][0]]
            if source["op"] == "null":
                found.append(source["name"])
    return found


def normalizations(symbol: Any) -> dict[str, str]:
    """Short output name -> "sum" or "mean": whether a loss layer divides by the batch itself.

    `SoftmaxOutput` and `MakeLoss` do with normalization "batch" or "valid"; Module would divide
    by the batch size a second time.
    """
    graph = json.loads(symbol.tojson())
    found = {}
    for name, (node, _, *_rest) in zip(symbol.list_outputs(), graph["heads"]):
        attributes = graph["nodes"][node].get("attrs", {})
        own = attributes.get("normalization", "null") in ("batch", "valid")
        found[short_name(name)] = "mean" if own else "sum"
    return found


def loss_outputs(symbol: Any) -> list[str]:
    """Short names of a symbol's outputs that send gradients: MXNet's loss layers."""
    graph = json.loads(symbol.tojson())
    return [
        short_name(name)
        for name, (node, *_rest) in zip(symbol.list_outputs(), graph["heads"])
        if graph["nodes"][node]["op"] in (*LOSS_OPERATORS, "MakeLoss")
    ]
