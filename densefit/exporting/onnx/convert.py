"""Convert a SymbolGraph to an ONNX graph, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from densefit.errors import DensefitError, ExportError, first_line
from densefit.exporting.onnx import operators  # noqa: F401 - fills the registry
from densefit.exporting.onnx.builder import Builder
from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.precision import half_inputs
from densefit.exporting.onnx.registry import CONVERTERS
from densefit.exporting.onnx.tensor import BATCH, Tensor
from densefit.model.symbol_graph import Node, SymbolGraph


def convert(
    graph: SymbolGraph,
    parameters: Mapping[str, np.ndarray],
    inputs: Mapping[str, Tensor],
    build: Builder,
    half: bool = False,
) -> list[Tensor]:
    """Add the layers of a graph to an ONNX graph.

    Args:
        graph: graph for evaluation.
        parameters: name -> values of parameters and moving statistics.
        inputs: name -> tensor of each input of the graph.
        build: builder of the ONNX graph.
        half: whether convolutions compute in float16.

    Returns:
        A tensor for each output of the graph.

    Raises:
        ExportError: an operator, or a setting of it, has no counterpart; an input has no value.
    """
    check_operators(graph)
    used: dict[Node, set[int]] = {node: set() for node in graph.nodes}
    for output in [*graph.heads, *(source for node in graph.nodes for source in node.inputs)]:
        used[output.node].add(output.number)
    tensors: dict[tuple[Node, int], Tensor] = {}
    for node in graph.nodes:
        build.scope = node.name
        if node.is_variable:
            tensors[node, 0] = _variable(node, parameters, inputs, build, graph)
            continue
        sources = [tensors[source.node, source.number] for source in node.inputs]
        if half:
            sources = half_inputs(node.op, sources, build)
        for number, tensor in enumerate(_layer(Layer(node, sources, build, used[node]))):
            tensors[node, number] = tensor
    return [tensors[head.node, head.number] for head in graph.heads]


def check_operators(graph: SymbolGraph) -> None:
    """Raise ExportError for operators without a converter."""
    missing: dict[str, list[str]] = {}
    for node in graph.nodes:
        if not node.is_variable and node.op not in CONVERTERS:
            missing.setdefault(node.op, []).append(node.name)
    if not missing:
        return
    (op, names), *_ = missing.items()
    similar = get_close_matches(op, CONVERTERS, 1)
    raise ExportError(
        f"ONNX export does not support the operator{'s' if len(missing) > 1 else ''} "
        + ", ".join(missing),
        received=f"{op} in the layer{'s' if len(names) > 1 else ''} {', '.join(names[:5])}",
        where=f"layer {names[0]!r}",
        fix="export outputs before it (df.export(..., outputs=[...])), build the layer from other "
        "operators, or register a converter: densefit.exporting.onnx.registry.converts"
        + (f"; the operator {similar[0]} is supported" if similar else ""),
    )


def _variable(
    node: Node,
    parameters: Mapping[str, np.ndarray],
    inputs: Mapping[str, Tensor],
    build: Builder,
    graph: SymbolGraph,
) -> Tensor:
    """The tensor of an input or parameter."""
    if node.name in inputs:
        return inputs[node.name]
    if node.name in parameters:
        return build.constant(parameters[node.name], name=node.name)
    readers = [reader.name for reader in graph.readers[node]]
    raise ExportError(
        f"The graph reads {node.name!r}, which is neither a parameter nor an input",
        expected=f"one of {len(parameters)} parameters and the inputs {', '.join(inputs)}",
        received=f"the variable {node.name!r} of the layers {', '.join(readers[:3])}",
        fix=f"state its shape: df.export(..., inputs={{{node.name!r}: (...)}}), or export outputs "
        "that do not read it (outputs=[...])",
    )


def _layer(layer: Layer) -> Sequence[Tensor]:
    """Outputs of a layer."""
    try:
        result = CONVERTERS[layer.node.op](layer)
    except DensefitError:
        raise
    except Exception as error:  # of the shape inference of ONNX, which has no class of its own
        raise layer.refusal(first_line(error).replace(str(BATCH), "N")) from error
    return [result] if isinstance(result, Tensor) else result
