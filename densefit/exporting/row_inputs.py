"""Inputs of a Symbol with other numbers of rows, as inputs with a row for each sample."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from densefit.model.network import Network
from densefit.model.symbol_graph import VARIABLE, Node, Output, SymbolGraph


def with_equal_rows(
    network: Network, inputs: Mapping[str, np.ndarray]
) -> tuple[Network, dict[str, np.ndarray]]:
    """Return a network that computes the same from inputs with as many rows as the first one.

    Engines take a row for each sample. Regions of several images, or states of a sequence whose
    batch is the second axis, have others: each sample gets all of them, and the first one's are
    read.

    Args:
        network: network of a Symbol, with parameters.
        inputs: arrays by name.
    """
    rows = len(next(iter(inputs.values())))
    repeated = {name: array for name, array in inputs.items() if array.shape[:1] != (rows,)}

    def change(node: Node, new: Node) -> Node:
        if not node.is_variable or node.name not in repeated:
            return new
        variable = Output(Node(VARIABLE, node.name))
        cut = {"axis": "0", "begin": "0", "end": "1"}
        first = Output(Node("slice_axis", f"{node.name}_first", (variable,), cut))
        shape = {"shape": str(tuple(repeated[node.name].shape) or (1,))}
        return Node("Reshape", f"{node.name}_rows", (first,), shape)

    graph = SymbolGraph.of(network.symbol).rewrite(change)
    changed = Network(symbol=graph.symbol, routes={})
    changed.set_params(network.parameters, network.statistics)
    arrays = {
        name: np.repeat(array[None], rows, axis=0) if name in repeated else array
        for name, array in inputs.items()
    }
    return changed, arrays
