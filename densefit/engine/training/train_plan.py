"""Check a network's train graph against its data, and plan how an engine binds it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from densefit.data.batch import ArraySpec
from densefit.engine.batch_reader import BatchReader
from densefit.engine.graph.frozen_statistics import with_frozen_statistics
from densefit.engine.graph.inference import Inference, Shape, can_cut_rows
from densefit.engine.graph.inputs import Input, bound_inputs, log_changes
from densefit.engine.graph.parameter_checks import (
    check_complete,
    check_parameters,
    check_same_parameters,
)
from densefit.engine.graph.symbol_info import loss_labels
from densefit.engine.graph_check import check_data, check_labels, heads_of
from densefit.engine.param_groups import check_fixed, frozen
from densefit.engine.settings import BindSettings
from densefit.errors import BindError
from densefit.model.network import Network
from densefit.model.symbol_graph import SymbolGraph

_log = logging.getLogger("densefit")


@dataclass(frozen=True)
class TrainPlan:
    """A checked train graph.

    Attributes:
        graph: graph with frozen statistics.
        inputs: name -> bound input.
        data, labels: names of the inputs.
        fixed: parameters without a gradient.
        shapes: shapes of arguments and auxiliary states for a full batch.
        outputs: short name -> shape of each output for a full batch.
        heads: names of the heads that the labels belong to.
        inference: infers shapes of other batches.
        keeps_padding: whether all batches must be full.
    """

    graph: SymbolGraph
    inputs: Mapping[str, Input]
    data: Collection[str]
    labels: Collection[str]
    fixed: Collection[str]
    shapes: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    heads: list[str]
    inference: Inference
    keeps_padding: bool

    @property
    def where(self) -> str:
        """Heads, for error messages."""
        return f"heads {', '.join(self.heads)}"

    @property
    def full(self) -> dict[str, Shape]:
        """Shapes of the inputs for a full batch."""
        return {name: bound.shape for name, bound in self.inputs.items()}

    @property
    def trained(self) -> list[str]:
        """Names of the parameters that have gradients, in the order of the graph."""
        names: list[str] = self.graph.symbol.list_arguments()
        return [name for name in names if name not in self.inputs and name not in self.fixed]

    def check_batch(self, shapes: Mapping[str, Shape], symbol: Any) -> None:
        """Raise BindError for a batch of shapes that the parameters or the symbol do not allow.

        Args:
            shapes: shapes of the batch's inputs.
            symbol: the graph as it is bound.
        """
        if self.keeps_padding and shapes != self.full:
            raise _other_rows(self.full, shapes, self.where)
        now, _ = self.inference.shapes(symbol, shapes, self.heads)
        check_same_parameters(self.shapes, now, self.inputs, shapes, self.where)


def plan_training(
    network: Network,
    reader: BatchReader,
    settings: BindSettings,
    inference: Inference,
    devices: int = 1,
) -> TrainPlan:
    """Check the data and parameters of a train graph.

    Args:
        network: network whose graph and parameters are bound.
        reader: reader of the training data.
        settings: settings of the binding.
        inference: infers shapes and types.
        devices: number of devices that share a batch.

    Raises:
        BindError, ConfigError, DataError: as `Engine.bind`.
    """
    symbol = network.graph("train", reader.input_size, settings.weigh)
    check_data(reader, symbol)
    graph = SymbolGraph.of(symbol)
    check_labels(reader, symbol, loss_labels(graph))
    data = {desc.name: desc for desc in reader.data_specs}
    labels, heads = _labels(network, reader, symbol)
    inputs = bound_inputs(inference, symbol, data, labels, f"heads {', '.join(heads)}")
    log_changes(inputs, {**data, **labels}, f"{reader.where} data")
    full = {name: bound.shape for name, bound in inputs.items()}
    shapes, outputs = inference.shapes(symbol, full, heads)
    values = {**network.parameters, **network.statistics}
    check_parameters(shapes, values, list(network.adapters))
    for adapter in network.adapters.values():
        adapter.check("train", outputs, reader.batch_size, devices)
    if not network.heads and not can_cut_rows(inference, symbol, full, reader.batch_size):
        _keep_padding(reader)
    if not settings.allow_missing:
        check_complete(shapes, inputs, values)
    trainable = [name for name in symbol.list_arguments() if name not in inputs]
    fixed = frozen(settings.freeze, trainable)
    graph = with_frozen_statistics(graph, fixed)
    fixed = check_fixed(settings.fixed, trainable, fixed)
    return TrainPlan(
        graph,
        inputs,
        list(data),
        list(labels),
        fixed,
        shapes,
        outputs,
        heads,
        inference,
        reader.keeps_padding,
    )


def _labels(
    network: Network, reader: BatchReader, symbol: Any
) -> tuple[dict[str, ArraySpec], list[str]]:
    """Specs of the labels that a train graph reads, by name, and their heads."""
    arguments = set(symbol.list_arguments())
    labels = [desc for desc in reader.label_specs if desc.name in arguments]
    heads = heads_of(reader, [desc.name for desc in labels]) or list(network.adapters)
    # The engine, not the iterator, provides the factors on each sample's loss.
    labels += [
        ArraySpec(name, (reader.batch_size,))
        for adapter in network.adapters.values()
        for name in adapter.weights
        if name in arguments
    ]
    return {desc.name: desc for desc in labels}, heads


def _keep_padding(reader: BatchReader) -> None:
    """Train padding as samples for a symbol that takes full batches only, and log a warning."""
    reader.keeps_padding = True
    _log.warning(
        "The symbol is made for batches of %d rows (a Reshape to a fixed number of rows, say): "
        "padded rows of a last batch are trained as samples, as in Module.fit. "
        "mx.sym.Reshape(..., shape=(-1, ...)) or shape=(0, ...) takes any number",
        reader.batch_size,
    )


def _other_rows(full: Mapping[str, Shape], batch: Mapping[str, Shape], where: str) -> BindError:
    """Make the error for a batch whose number of rows does not fit the symbol."""
    return BindError(
        "A batch has another number of rows than the symbol is made for",
        expected=full,
        received=dict(batch),
        where=where,
        fix="mx.sym.Reshape(..., shape=(-1, ...)) or shape=(0, ...) takes any number; or "
        "yield full batches only (last_batch_handle='pad')",
    )
