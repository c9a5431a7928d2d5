"""Eval graphs of a network, checked against the batches that they are bound for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from densefit.engine.batch_reader import BatchReader
from densefit.engine.evaluation.program import EvalProgram
from densefit.engine.graph.inference import Inference, can_cut_rows
from densefit.engine.graph.inputs import bound_inputs
from densefit.engine.graph.parameter_checks import check_parameters
from densefit.engine.graph.sample_means import numbers_of
from densefit.engine.graph.symbol_info import UNREAD, forward_graph
from densefit.engine.graph_check import check_data
from densefit.errors import BindError
from densefit.model.network import Network
from densefit.model.output_names import short_name
from densefit.model.symbol_graph import SymbolGraph


class EvalGraphs:
    """Eval graphs of a network in one mode, for the heads and shapes of a reader.

    Args:
        network: network whose eval graph is used.
        mode: see `Evaluator`.
        inference: infers shapes and types.
        devices_for: rows of a batch -> number of devices that share them.
    """

    def __init__(
        self,
        network: Network,
        mode: str,
        inference: Inference,
        devices_for: Callable[[int], int] = lambda rows: 1,
    ) -> None:
        self.network, self.mode = network, mode
        self._inference, self._devices_for = inference, devices_for
        self._cuts: dict[Any, bool] = {}  # (outputs, shapes) -> rows can be cut off
        self._numbers: dict[Any, dict[str, str] | None] = {}  # (outputs, shapes) -> `numbers`
        self._cut: dict[tuple[str, ...], Any] = {}  # outputs of a user's Symbol -> their graph

    def specs(self, reader: BatchReader) -> list[Any]:
        """Specs of the arrays that an eval graph may read; heads read no labels."""
        return reader.data_specs if self.network.heads else reader.specs

    def program(self, reader: BatchReader, shapes: Mapping[str, tuple[int, ...]]) -> EvalProgram:
        """Make the program for arrays of these shapes.

        Raises:
            BindError: the shapes do not fit the graph.
        """
        data = shapes[reader.data_specs[0].name]
        symbol = self._graph(reader, input_size(shapes, reader))
        arguments = set(symbol.list_arguments())
        heads = [adapter.name for adapter in reader.adapters]
        batch = bound_inputs(
            self._inference,
            symbol,
            {d.name: _shaped(d, shapes) for d in reader.data_specs if d.name in arguments},
            {
                desc.name: _shaped(desc, shapes)
                for desc in reader.label_specs
                if desc.name in arguments and desc.name in shapes
            },
            f"heads {', '.join(heads)}",
        )
        bound_shapes = {name: bound.shape for name, bound in batch.items()}
        sizes, outputs = self._inference.shapes(symbol, bound_shapes, heads)
        devices = self._devices_for(data[0])
        for adapter in reader.adapters:
            adapter.check(self.mode, outputs, data[0], devices)
        # Labels that the forward pass does not read need no data, and are not parameters.
        inputs = {
            name: sizes[name]
            for name in symbol.list_arguments()
            if name in batch or name.endswith(UNREAD)
        }
        return EvalProgram(
            symbol,
            [],
            inputs,
            {name: bound.dtype for name, bound in batch.items()},
            [short_name(name) for name in symbol.list_outputs()],
            batch,
            {name: sizes[name] for name in sizes if name not in inputs},
        )

    def _graph(self, reader: BatchReader, size: tuple[int, int] | None) -> Any:
        """The eval graph; for a user's Symbol only the outputs of the reader's heads."""
        symbol = self.network.graph(self.mode, size)
        check_data(reader, symbol)
        if self.network.heads:
            return symbol
        names = outputs_of(reader, self.mode)
        if names not in self._cut:
            self._cut[names] = forward_graph(SymbolGraph.of(symbol), names).symbol
        return self._cut[names]

    def can_cut(self, reader: BatchReader) -> bool:
        """Whether the outputs of some rows can be computed without the other rows."""
        shapes = {desc.name: tuple(desc.shape) for desc in reader.specs}
        key = (outputs_of(reader, self.mode), tuple(shapes.items()))
        if key not in self._cuts:
            program = self.program(reader, shapes)
            self._cuts[key] = can_cut_rows(
                self._inference, program.symbol, program.inputs, reader.batch_size
            )
        return self._cuts[key]

    def numbers(self, reader: BatchReader) -> dict[str, str] | None:
        """Outputs of one number per batch, and why they are not means; see `numbers_of`."""
        shapes = {desc.name: tuple(desc.shape) for desc in reader.specs}
        key = (outputs_of(reader, self.mode), tuple(shapes.items()))
        if key not in self._numbers:
            program = self.program(reader, shapes)
            graph = SymbolGraph.of(program.symbol)
            self._numbers[key] = numbers_of(
                self._inference, graph, program.inputs, reader.batch_size
            )
        return self._numbers[key]

    def check_values(self, reader: BatchReader, parameters: Mapping[str, tuple[int, ...]]) -> None:
        """Raise BindError unless the network has a value for each parameter of a graph."""
        values = self.values() if parameters else {}
        missing = [name for name in parameters if name not in values]
        if missing:
            raise BindError(
                "The network has no value for some parameters"
                + ("" if self.network.heads else f", nor do the {reader.where} data provide them"),
                expected=missing,
                received=f"{len(values)} parameters and the inputs "
                f"{[desc.name for desc in self.specs(reader)]}",
                where=f"heads {', '.join(adapter.name for adapter in reader.adapters)}",
                fix="parameters: load a checkpoint of this network, or train it; inputs and labels "
                "of an output: provide them in the iterator, or choose outputs that do not read "
                "them",
            )
        check_parameters(parameters, values, [adapter.name for adapter in reader.adapters])

    def values(self) -> dict[str, np.ndarray]:
        """Current parameters and statistics of the network."""
        self.network.check_initialized()
        return {**self.network.parameters, **self.network.statistics}


def input_size(data: Mapping[str, Any], reader: BatchReader) -> tuple[int, int] | None:
    """(height, width) of an image input (B, C, H, W), from arrays or shapes by name."""
    first = data[reader.data_specs[0].name]
    shape = getattr(first, "shape", first)
    return (int(shape[2]), int(shape[3])) if len(shape) == 4 else None


def outputs_of(reader: BatchReader, mode: str) -> tuple[str, ...]:
    """Short names of the outputs that the reader's heads read, each once."""
    return tuple(
        dict.fromkeys(name for adapter in reader.adapters for name in adapter.outputs(mode))
    )


def _shaped(desc: Any, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """Copy a spec with another shape."""
    return desc._replace(shape=shapes[desc.name])
