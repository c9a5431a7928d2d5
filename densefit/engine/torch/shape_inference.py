"""Meta tensors of all outputs of a graph, inferred from those of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from densefit.engine.torch.meta_outputs import meta_outputs
from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.tensor.arithmetic import SAME_SHAPE
from densefit.engine.torch.operators.tensor.elementwise import SHAPE_PRESERVING
from densefit.engine.torch.operators.types import TORCH_DTYPES
from densefit.engine.torch.parameter_shapes import Shape, accepts_label, shapes_after
from densefit.errors import EngineError
from densefit.model.symbol_graph import Node, Output, SymbolGraph
from densefit.symbol.setting_value import setting_value


class ShapeConflictError(Exception):
    """Shapes that an operator cannot take."""

    def __init__(self, node: Node, reason: str, shapes: Sequence[Shape | None]) -> None:
        super().__init__(
            f"the operator {node.op} {node.name!r} cannot take inputs of the shapes "
            f"{', '.join(map(str, shapes))}: {reason}"
        )


class ShapeInference:
    """Meta tensors of all outputs of all nodes, filled from the inputs onward.

    Args:
        graph: the graph.
        shapes: shapes of variables by name.
        types: dtypes of variables by name; float32 by default.
    """

    def __init__(
        self, graph: SymbolGraph, shapes: Mapping[str, Shape], types: Mapping[str, Any]
    ) -> None:
        self.graph = graph
        self.results: dict[Node, tuple[Any, ...]] = {}
        self._types = types
        self._changed = False
        self._attrs = {node: Attributes(node) for node in graph.nodes if not node.is_variable}
        # Unknown sizes (0) of begin states are 1 and broadcast.
        self._has_open_sizes = any(
            node.op in ("_zeros", "_ones", "_full") and 0 in self._attrs[node].wholes("shape")
            for node in self._attrs
        )
        for node in graph.nodes:
            if node.is_variable:
                shape = shapes.get(node.name) or _declared(node)
                if shape is not None:
                    self._set(node, tuple(shape))

    def run(self) -> None:
        """Compute until nothing more follows.

        Raises:
            ShapeConflictError: inputs of an operator contradict each other.
        """
        self._changed = True
        while self._changed:
            self._changed = False
            for node, attrs in self._attrs.items():
                if node not in self.results:
                    self._infer(node, attrs)

    def shape(self, output: Output) -> Shape | None:
        """Shape of an output; None if it is open."""
        result = self.results.get(output.node)
        return None if result is None else tuple(result[output.number].shape)

    def _set(self, node: Node, shape: Shape) -> None:
        dtype = self._types.get(node.name, np.float32)
        dtype = TORCH_DTYPES.get(np.dtype(dtype).name, torch.float32)
        self.results[node] = (torch.empty(shape, dtype=dtype, device="meta"),)
        self._changed = True

    def _infer(self, node: Node, attrs: Attributes) -> None:
        """Complete the inputs of a node, and compute it when all are there."""
        shapes = [self.shape(source) for source in node.inputs]
        for source, shape, expected in zip(node.inputs, shapes, _expected(attrs, shapes)):
            if expected is None:
                continue
            if shape is None:
                self._push(source, expected)
            elif shape != expected and not (
                self._has_open_sizes or accepts_label(attrs, shapes[0] or (), shape)
            ):
                raise ShapeConflictError(node, f"expected {expected}, not {shape}", shapes)
        if any(source.node not in self.results for source in node.inputs):
            return
        inputs = [self.results[source.node][source.number] for source in node.inputs]
        try:
            outputs = meta_outputs(attrs, inputs)
        except EngineError:
            raise
        except (RuntimeError, ValueError, IndexError, TypeError, ZeroDivisionError) as error:
            shapes = [self.shape(source) for source in node.inputs]
            raise ShapeConflictError(node, str(error).splitlines()[0], shapes) from error
        self.results[node] = outputs
        self._changed = True

    def _push(self, output: Output, shape: Shape) -> None:
        """Set the shape of a variable behind operators that keep shapes."""
        node = output.node
        while node.op in SHAPE_PRESERVING:
            node = node.inputs[0].node
        if node.is_variable and node not in self.results:
            self._set(node, shape)


def _declared(node: Node) -> Shape | None:
    """Shape that a variable states itself, if all its sizes are set."""
    text = node.attrs.get("__shape__")
    shape = setting_value(str(text)) if text else None
    shape = (shape,) if isinstance(shape, int) else shape
    return tuple(shape) if shape and all(n > 0 for n in shape) else None


def _expected(attrs: Attributes, shapes: Sequence[Shape | None]) -> list[Shape | None]:
    """The shape that each input should have, as far as the others tell."""
    if attrs.node.op in SAME_SHAPE:
        shape = next((shape for shape in shapes if shape is not None), None)
        return [shape] * len(shapes)
    if not shapes or shapes[0] is None:
        return []
    return [None, *shapes_after(attrs, shapes[0])]
