"""Shapes and types of a graph, which each engine infers in its own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from densefit.errors import BindError
from densefit.model.symbol_graph import Node, SymbolGraph

Shape: TypeAlias = tuple[int, ...]


class Inference(Protocol):
    """Infer shapes and types of Symbols."""

    def shapes(
        self, symbol: Any, inputs: Mapping[str, Shape], heads: Sequence[str]
    ) -> tuple[dict[str, Shape], dict[str, Shape]]:
        """(arguments and auxiliary states by name, outputs by short name).

        Args:
            symbol: the graph.
            inputs: shapes of its inputs by name.
            heads: names of the heads, for error messages.

        Raises:
            BindError: the shapes contradict each other, or leave some open.
        """

    def outputs(self, symbol: Any, inputs: Mapping[str, Shape]) -> list[Shape] | None:
        """Shapes of a graph's outputs; None if it cannot compute with the inputs."""

    def sizes(self, graph: SymbolGraph, inputs: Mapping[str, Shape]) -> dict[tuple[Node, int], int]:
        """(node, output index) -> elements; {} if the graph cannot compute with the inputs."""

    def types(
        self, symbol: Any, data: Mapping[str, Any], labels: Mapping[str, Any], where: str
    ) -> dict[str, Any]:
        """Types of the inputs, unchanged if the graph can compute with them.

        Args:
            symbol: the graph.
            data: name -> spec of the data inputs.
            labels: name -> spec of the label inputs.
            where: description of the data, for error messages.

        Raises:
            BindError: no types fit.
        """


def can_cut_rows(inference: Inference, symbol: Any, shapes: Mapping[str, Shape], rows: int) -> bool:
    """Whether a graph computes the same outputs for some rows of a batch alone.

    A `Reshape` to a fixed number of rows does not: MXNet would read past the end of a smaller
    batch.

    Args:
        inference: infers shapes.
        symbol: the graph.
        shapes: shapes of its inputs for a full batch.
        rows: number of rows of a full batch.
    """
    if rows < 2:
        return True
    fewer = {
        name: (shape[0] * (rows - 1) // rows, *shape[1:]) for name, shape in shapes.items() if shape
    }
    whole, part = inference.outputs(symbol, shapes), inference.outputs(symbol, fewer)
    if whole is None or part is None:
        return False
    return all(
        not full or full[0] % rows or tuple(full[1:]) != tuple(cut[1:])
        or full[0] * (rows - 1) == cut[0] * rows
        for full, cut in zip(whole, part)
    )  # fmt: skip


def misfit(inputs: Mapping[str, Shape], heads: Sequence[str], reason: str) -> BindError:
    """Make the error for shapes that contradict each other.

    Args:
        inputs: shapes of data and labels.
        heads: names of the heads.
        reason: what the engine says.
    """
    return BindError(
        "The shapes of the data and labels do not fit the symbol",
        received=dict(inputs),
        where=_where(heads),
        fix=reason,
    )


def incomplete(
    inputs: Mapping[str, Shape], heads: Sequence[str], missing: Sequence[str]
) -> BindError:
    """Make the error for shapes that follow from nothing.

    Args:
        inputs: shapes of data and labels.
        heads: names of the heads.
        missing: inputs without a shape.
    """
    return BindError(
        "Not every shape of the symbol follows from the data and labels",
        expected="shapes of all inputs",
        received=dict(inputs),
        where=_where(heads),
        fix=f"does the iterator provide {list(missing)}?",
    )


def _where(heads: Sequence[str]) -> str:
    return f"head{'s' if len(heads) > 1 else ''} {', '.join(heads) or '(none)'}"
