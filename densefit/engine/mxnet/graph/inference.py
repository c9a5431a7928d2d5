"""MXNet's inference of shapes and types, as the parts that all engines share use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from densefit.backend import mx
from densefit.engine.graph.inference import Shape
from densefit.engine.mxnet.graph.shapes import infer_shapes
from densefit.engine.mxnet.graph.types import input_types
from densefit.model.symbol_graph import Node, SymbolGraph


class MXNetInference:
    """Infer shapes and types of Symbols; see `densefit.engine.graph.inference.Inference`."""

    def shapes(
        self, symbol: Any, inputs: Mapping[str, Shape], heads: Sequence[str]
    ) -> tuple[dict[str, Shape], dict[str, Shape]]:
        """(arguments and auxiliary states by name, outputs by short name)."""
        return infer_shapes(symbol, inputs, heads)

    def outputs(self, symbol: Any, inputs: Mapping[str, Shape]) -> list[Shape] | None:
        """Shapes of a graph's outputs; None if it cannot compute with the inputs."""
        try:
            # What `infer_shape` calls; that one prints the arguments before it raises.
            shapes: list[Shape] | None = symbol._infer_shape_impl(False, **inputs)[1]
        except (mx.base.MXNetError, RuntimeError):
            return None
        return shapes

    def sizes(self, graph: SymbolGraph, inputs: Mapping[str, Shape]) -> dict[tuple[Node, int], int]:
        """(node, output index) -> elements; {} if the graph cannot compute with the inputs."""
        internals, outputs = graph.internals
        inferred = self.outputs(internals, inputs)
        return {output[:2]: prod(shape) for output, shape in zip(outputs, inferred or ())}

    def types(
        self, symbol: Any, data: Mapping[str, Any], labels: Mapping[str, Any], where: str
    ) -> dict[str, Any]:
        """Types of the inputs, unchanged if the graph can compute with them."""
        return input_types(symbol, data, labels, where)
