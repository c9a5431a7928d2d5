"""Operators of MXNet whose gradients overwrite an array that they are to be added to.

MXNet asks for that in two cases. One is micro-batches: parameters are bound with
`grad_req="add"`, and an operator that reads one directly must add to its gradient. The other is an
array that many operators read, see `densefit.engine.mxnet.graph.gradient_probe`.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from densefit.backend import symbol_of

#: Names in a Symbol's JSON. All operators of MXNet 1.9.1 were tried in float32 on a CPU; a user's
#: Custom operator may overwrite too. So do 1x1 convolutions where oneDNN does not compute: in
#: float64, say. They are left out: what they overwrite is the gradient of a map.
OVERWRITING = frozenset(
    """
    Crop Custom LinearRegressionOutput LogisticRegressionOutput MAERegressionOutput SVMOutput
    SoftmaxOutput SpatialTransformer _contrib_DeformableConvolution _contrib_MultiBoxPrior
    _contrib_boolean_mask _contrib_box_iou _linalg_gelqf _linalg_gemm _linalg_gemm2
    _linalg_inverse _linalg_syevd _linalg_trmm _linalg_trsm _np_cumsum _np_dot _np_trace
    _npi_diff _npi_dsplit _npi_flip _npi_hsplit _npi_mean _npi_norm _npi_polyval _npi_rot90
    _npi_solve _npi_split _npi_tensordot _npi_tensorinv _split_v2 amp_cast clip mean moments
    reverse
    """.split()
)


def with_added_gradients(symbol: Any, trained: Collection[str]) -> Any:
    """Let overwriting operators read copies of parameters, whose gradients are added rightly.

    A Symbol without such operators is returned unchanged.

    Args:
        symbol: a train graph.
        trained: names of its parameters that have gradients.
    """
    graph = json.loads(symbol.tojson(remove_amp_cast=False))
    nodes: list[dict[str, Any]] = []
    moved: list[int] = []  # where each node is now
    for node in graph["nodes"]:
        inputs = [[moved[entry[0]], *entry[1:]] for entry in node["inputs"]]
        if node["op"] in OVERWRITING:
            for place, entry in enumerate(inputs):
                source = nodes[entry[0]]
                if source["op"] == "null" and source["name"] in trained:
                    name = f"{node['name']}_input{place}"
                    nodes.append({"op": "_copy", "name": name, "inputs": [entry]})
                    inputs[place] = [len(nodes) - 1, 0, 0]
        moved.append(len(nodes))
        nodes.append({**node, "inputs": inputs})
    if len(nodes) == len(graph["nodes"]):
        return symbol
    changed = {
        **graph,
        "nodes": nodes,
        "arg_nodes": [number for number, node in enumerate(nodes) if node["op"] == "null"],
        "node_row_ptr": list(range(len(nodes) + 1)),
        "heads": [[moved[entry[0]], *entry[1:]] for entry in graph["heads"]],
    }
    return symbol_of(changed)
