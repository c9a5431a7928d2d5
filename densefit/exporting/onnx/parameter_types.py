"""Types of parameters: ONNX computes in the types that a graph's layers have for MXNet."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from densefit.errors import BindError, ConfigError
from densefit.exporting.onnx.tensor import Tensor
from densefit.model.symbol_graph import SymbolGraph


def in_graph_types(
    graph: SymbolGraph, parameters: Mapping[str, np.ndarray], inputs: Mapping[str, Tensor]
) -> dict[str, np.ndarray]:
    """Convert parameters to the floating point types that the graph computes with.

    Engines do so when they bind a network; numpy's default, float64, is no type of the graph.

    Args:
        graph: graph that is exported.
        parameters: name -> values of parameters and moving statistics.
        inputs: name -> tensor of each input of the graph.

    Raises:
        ConfigError: a value is beyond the range of the graph's type.
    """
    types = _inferred(graph, inputs)
    converted = dict(parameters)
    for name, values in parameters.items():
        dtype = types.get(name)
        if dtype is None or values.dtype == dtype or {values.dtype.kind, dtype.kind} != {"f"}:
            continue
        with np.errstate(over="ignore"):
            converted[name] = values.astype(dtype)
        if not np.isfinite(converted[name]).all():
            raise ConfigError(
                f"The parameter {name!r} has values that overflow the type that it is exported in",
                expected=f"{dtype.name}, at most {np.finfo(dtype).max:.3g}",
                received=f"{values.dtype.name}, up to {np.abs(values).max():.3g}",
                fix="smaller values, or a Symbol that computes in this type: mx.sym.Cast(data, "
                f"dtype={values.dtype.name!r})",
            )
    return converted


def _inferred(graph: SymbolGraph, inputs: Mapping[str, Tensor]) -> dict[str, np.dtype]:
    """Variable -> type; empty where the types contradict each other, which a layer reports."""
    symbol = graph.symbol
    names = symbol.list_arguments()
    input_types = {name: tensor.dtype.type for name, tensor in inputs.items() if name in names}
    try:
        arguments, _, states = symbol._infer_type_impl(True, **input_types)
    except (BindError, RuntimeError):  # MXNet's errors are RuntimeErrors
        return {}
    kinds = {
        **dict(zip(names, arguments or ())),
        **dict(zip(symbol.list_auxiliary_states(), states or ())),
    }
    return {name: np.dtype(kind) for name, kind in kinds.items() if kind is not None}
