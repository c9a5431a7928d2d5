"""Shapes of a graph's inputs, parameters and outputs, inferred by MXNet before it is bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.graph.inference import incomplete, misfit
from densefit.model.output_names import short_name
from densefit.model.symbol_graph import Node, SymbolGraph


def infer_shapes(
    symbol: Any, input_shapes: Mapping[str, tuple[int, ...]], heads: Sequence[str]
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Infer all shapes from the shapes of data and labels.

    Args:
        symbol: the graph.
        input_shapes: name -> shape of its inputs.
        heads: names of the heads, for error messages.

    Returns:
        (arguments and auxiliary states by name, outputs by short name).

    Raises:
        BindError: the shapes contradict each other, or leave some open.
    """
    try:
        # `infer_shape` calls this too, but prints the arguments before it raises.
        arguments, outputs, auxiliary = symbol._infer_shape_impl(False, **input_shapes)
    except mx.base.MXNetError as error:
        reason = [line.strip() for line in str(error).splitlines() if "Error in operator" in line]
        line = reason[-1] if reason else str(error).strip().splitlines()[-1]
        raise misfit(input_shapes, heads, line) from error
    if arguments is None:
        partial, _, _ = symbol.infer_shape_partial(**input_shapes)
        names = symbol.list_arguments()
        missing = [name for name, shape in zip(names, partial) if not shape or 0 in shape]
        raise incomplete(input_shapes, heads, missing)
    sizes = dict(zip(symbol.list_arguments(), arguments))
    sizes.update(zip(symbol.list_auxiliary_states(), auxiliary))
    return sizes, {
        short_name(name): tuple(shape) for name, shape in zip(symbol.list_outputs(), outputs)
    }


def inner_outputs(
    graph: SymbolGraph, shapes: Mapping[str, Any], types: Mapping[str, Any]
) -> dict[tuple[Node, int], tuple[tuple[int, ...], Any]]:
    """Infer shape and dtype of every output of every node.

    Args:
        graph: a parsed Symbol.
        shapes: shapes of the inputs by name.
        types: dtypes of the inputs by name; float32 by default.

    Returns:
        (node, number of its output) -> (shape, dtype): () and None where they cannot be inferred.
    """
    internals, outputs = graph.internals
    names = set(internals.list_arguments())
    input_shapes = {name: tuple(shape) for name, shape in shapes.items()}
    _, inferred, _ = internals.infer_shape_partial(**input_shapes)
    inputs = {**dict.fromkeys(shapes, np.float32), **types}
    inputs = {name: dtype for name, dtype in inputs.items() if name in names}
    _, dtypes, _ = internals.infer_type(**inputs)
    return {
        output[:2]: (tuple(shape or ()), dtypes[number] if dtypes else None)
        for number, (output, shape) in enumerate(zip(outputs, inferred or ()))
    }
