"""Inference of shapes and types with torch's meta tensors, as all engines' shared parts use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from densefit.engine.graph.inference import Shape
from densefit.engine.torch.shapes import infer_shapes, inner_outputs
from densefit.errors import BindError
from densefit.model.symbol_graph import Node, SymbolGraph

_CASTS = {"Cast", "cast", "amp_cast"}
_TAKING_INTEGERS = {*_CASTS, "Embedding", "one_hot"}


class TorchInference:
    """Infer shapes and types of Symbols; see `densefit.engine.graph.inference.Inference`.

    Args:
        values: shapes of parameters that have a value, for those that no operator determines.
    """

    def __init__(self, values: Callable[[], Mapping[str, Shape]] = dict) -> None:
        self._values = values

    def shapes(
        self, symbol: Any, inputs: Mapping[str, Shape], heads: Sequence[str]
    ) -> tuple[dict[str, Shape], dict[str, Shape]]:
        """(arguments and auxiliary states by name, outputs by short name)."""
        graph = SymbolGraph.of(symbol)
        try:
            return infer_shapes(graph, inputs, heads)
        except BindError:
            stated = {**self._values(), **inputs}
            if len(stated) == len(inputs):
                raise
        return infer_shapes(graph, stated, heads)

    def outputs(self, symbol: Any, inputs: Mapping[str, Shape]) -> list[Shape] | None:
        """Shapes of a graph's outputs; None if it cannot compute with the inputs."""
        try:
            return list(self.shapes(symbol, inputs, ())[1].values())
        except BindError:
            return None

    def sizes(self, graph: SymbolGraph, inputs: Mapping[str, Shape]) -> dict[tuple[Node, int], int]:
        """(node, output index) -> elements; {} if the graph cannot compute with the inputs."""
        if self.outputs(graph.symbol, inputs) is None:
            return {}
        shapes = inner_outputs(graph, {**self._values(), **inputs}, {})
        return {output: prod(shape) for output, (shape, _) in shapes.items()}

    def types(
        self, symbol: Any, data: Mapping[str, Any], labels: Mapping[str, Any], where: str
    ) -> dict[str, Any]:
        """Types of the inputs: float32, or integers where the graph casts or looks them up."""
        graph = SymbolGraph.of(symbol)
        readers = {node.name: graph.readers[node] for node in graph.nodes if node.is_variable}
        types: dict[str, Any] = {}
        for name, spec in {**data, **labels}.items():
            dtype = np.dtype(spec.dtype)
            operators = {reader.op for reader in readers.get(name, ())}
            fits = operators <= (_TAKING_INTEGERS if dtype.kind in "iub" else _CASTS)
            types[name] = dtype.type if operators and fits else np.float32
        return types
