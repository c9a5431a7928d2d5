"""Shapes and types of a graph, found by running it on tensors without data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from densefit.engine.graph.inference import Shape
from densefit.engine.graph.parameter_shapes import (
    declared_shape,
    labels_that_fit,
    shapes_of_inputs,
)
from densefit.engine.graph.symbol_info import LABELLED_OPERATORS
from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import compute_of
from densefit.engine.torch.program import Run
from densefit.errors import BindError, EngineError
from densefit.model.output_names import short_name
from densefit.model.symbol_graph import Node, SymbolGraph

_INTEGERS_FIT = ("Cast", "cast", "amp_cast", "Embedding", "one_hot")
_CASTS = ("Cast", "cast", "amp_cast")
Outputs = dict[Node, tuple[torch.Tensor, ...]]


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
        where = f"head{'s' if len(heads) > 1 else ''} {', '.join(heads) or '(none)'}"
        try:
            tensors = self._run(graph, inputs)
        except _DoesNotFitError as error:
            raise BindError(
                "The shapes of the data and labels do not fit the symbol",
                received=dict(inputs),
                where=where,
                fix=str(error),
            ) from error
        except _UnknownError as error:
            raise BindError(
                "Not every shape of the symbol follows from the data and labels",
                expected="shapes of all inputs",
                received=dict(inputs),
                where=where,
                fix=f"does the iterator provide {error.names}?",
            ) from error
        sizes = {n.name: tuple(tensors[n][0].shape) for n in graph.nodes if n.is_variable}
        outputs = [tuple(tensors[head.node][head.number].shape) for head in graph.heads]
        return sizes, dict(zip(map(short_name, symbol.list_outputs()), outputs))

    def outputs(self, symbol: Any, inputs: Mapping[str, Shape]) -> list[Shape] | None:
        """Shapes of a graph's outputs; None if it cannot compute with the inputs."""
        graph = SymbolGraph.of(symbol)
        try:
            tensors = self._run(graph, inputs)
        except (_DoesNotFitError, _UnknownError):
            return None
        return [tuple(tensors[head.node][head.number].shape) for head in graph.heads]

    def sizes(self, graph: SymbolGraph, inputs: Mapping[str, Shape]) -> dict[tuple[Node, int], int]:
        """(node, output index) -> elements; {} if the graph cannot compute with the inputs."""
        try:
            tensors = self._run(graph, inputs)
        except (_DoesNotFitError, _UnknownError):
            return {}
        return {
            (node, number): output.numel()
            for node, outputs in tensors.items()
            for number, output in enumerate(outputs)
        }

    def types(
        self, symbol: Any, data: Mapping[str, Any], labels: Mapping[str, Any], where: str
    ) -> dict[str, Any]:
        """Types of the inputs: float32, or integers where the graph casts or looks them up."""
        graph = SymbolGraph.of(symbol)
        readers = {node.name: graph.readers[node] for node in graph.nodes if node.is_variable}
        types = {}
        for name, spec in {**data, **labels}.items():
            dtype = np.dtype(spec.dtype)
            operators = {reader.op for reader in readers.get(name, ())}
            fits = _INTEGERS_FIT if dtype.kind in "iub" else _CASTS
            is_same = bool(operators) and operators.issubset(fits)
            types[name] = dtype.type if is_same else np.float32
        return types

    def _run(self, graph: SymbolGraph, inputs: Mapping[str, Shape]) -> Outputs:
        """Run a graph on tensors without data: all nodes' outputs."""
        pending: list[Node] = []
        tensors: Outputs = {}
        for node in graph.nodes:
            if node.is_variable:
                shape = inputs.get(node.name) or declared_shape(node)
                if shape is None:
                    pending.append(node)
                else:
                    tensors[node] = (_empty(shape),)
                continue
            self._infer_inputs(node, tensors)
            lacking = [s.node.name for s in node.inputs if s.node not in tensors]
            if lacking:
                raise _UnknownError([n.name for n in pending if n not in tensors])
            tensors[node] = _computed(node, [tensors[s.node][s.number] for s in node.inputs])
        return tensors

    def _infer_inputs(self, node: Node, tensors: Outputs) -> None:
        """Give an operator's variables shapes; check those of labels."""
        known = [
            tuple(tensors[s.node][s.number].shape) if s.node in tensors else None
            for s in node.inputs
        ]
        if node.op in LABELLED_OPERATORS and len(known) > 1 and known[0] and known[1] is not None:
            _check_label(node, known[0], known[1])
        if None not in known:
            return
        inferred = shapes_of_inputs(node, known)
        values = self._values()
        for position, source in enumerate(node.inputs):
            if source.node not in tensors and source.node.is_variable:
                shape = inferred.get(position) or values.get(source.node.name)
                if shape is not None:
                    tensors[source.node] = (_empty(shape),)


class _DoesNotFitError(Exception):
    """An operator cannot compute with its inputs."""


class _UnknownError(Exception):
    """Variables have no shape."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = list(names)


def _empty(shape: Shape) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.float32, device="meta")


def _computed(node: Node, inputs: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Outputs of an operator without data; with zeros where PyTorch needs numbers."""
    compute = compute_of(Attributes(node))
    try:
        with torch.no_grad():
            try:
                outputs = compute(Run(), *inputs)
            except (NotImplementedError, RuntimeError):
                zeros = [torch.zeros(x.shape, dtype=x.dtype) for x in inputs]
                outputs = compute(Run(), *zeros)
    except EngineError:
        raise
    except (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()
        raise _DoesNotFitError(
            f"Error in operator {node.name} ({node.op}): {reason[0] if reason else error!r}; its "
            f"inputs are {[tuple(x.shape) for x in inputs]}"
        ) from error
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return tuple(output.to("meta") for output in outputs)


def _check_label(node: Node, data: Shape, label: Shape) -> None:
    """Raise _DoesNotFitError for a label that MXNet's loss layer refuses."""
    fits = label in labels_that_fit(node, data)
    if node.op.endswith("RegressionOutput"):
        fits = label[:1] == data[:1] and np.prod(label) == np.prod(data)
    if not fits:
        raise _DoesNotFitError(
            f"Error in operator {node.name} ({node.op}): the label has the shape {label}, the data "
            f"{data}"
        )
