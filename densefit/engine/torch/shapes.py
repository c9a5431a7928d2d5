"""Shapes of a graph's inputs, parameters and outputs, inferred with torch's meta tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.engine.graph.inference import incomplete, misfit
from densefit.engine.torch.operators.types import NUMPY_DTYPES
from densefit.engine.torch.parameter_shapes import Shape
from densefit.engine.torch.shape_inference import ShapeConflictError, ShapeInference
from densefit.errors import EngineError
from densefit.model.symbol_graph import Node, SymbolGraph


def infer_shapes(
    graph: SymbolGraph, input_shapes: Mapping[str, Shape], heads: Sequence[str]
) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """Infer all shapes from the shapes of data and labels.

    Args:
        graph: the graph.
        input_shapes: name -> shape of its inputs.
        heads: names of the heads, for error messages.

    Returns:
        (arguments and auxiliary states by name, outputs by short name).

    Raises:
        BindError: the shapes contradict each other, or leave some open.
        EngineError: an operator is not known.
    """
    inference = ShapeInference(graph, input_shapes, {})
    try:
        inference.run()
    except ShapeConflictError as error:
        raise misfit(input_shapes, heads, str(error)) from error
    variables = [node for node in graph.nodes if node.is_variable]
    missing = [node.name for node in variables if node not in inference.results]
    outputs = {name: inference.shape(output) for name, output in graph.outputs.items()}
    if missing or None in outputs.values():
        raise incomplete(input_shapes, heads, missing)
    sizes = {node.name: tuple(inference.results[node][0].shape) for node in variables}
    return sizes, {name: shape or () for name, shape in outputs.items()}


def inner_outputs(
    graph: SymbolGraph, shapes: Mapping[str, Any], types: Mapping[str, Any]
) -> dict[tuple[Node, int], tuple[Shape, Any]]:
    """Infer shape and dtype of every output of every node.

    Args:
        graph: a parsed Symbol.
        shapes: shapes of the inputs by name.
        types: dtypes of the inputs by name; float32 by default.

    Returns:
        (node, number of its output) -> (shape, dtype): () and None where they cannot be inferred.
    """
    inference = ShapeInference(graph, {name: tuple(shape) for name, shape in shapes.items()}, types)
    try:
        inference.run()
    except (ShapeConflictError, EngineError):
        pass  # what was inferred so far
    unknown: tuple[Shape, Any] = ((), None)
    inferred: dict[tuple[Node, int], tuple[Shape, Any]] = {}
    for node in graph.nodes:
        result = inference.results.get(node)
        if result is None:
            inferred[node, 0] = unknown
            continue
        for number, tensor in enumerate(result):
            inferred[node, number] = (tuple(tensor.shape), NUMPY_DTYPES.get(tensor.dtype))
    return inferred
