"""Bind the train graph of a network to the shapes of its data."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from densefit.data.batch import ArraySpec
from densefit.engine.batch_reader import BatchReader
from densefit.engine.graph.frozen_statistics import with_frozen_statistics
from densefit.engine.graph.parameter_checks import (
    check_complete,
    check_parameters,
    check_same_parameters,
)
from densefit.engine.graph.symbol_info import loss_labels
from densefit.engine.graph_check import check_data, check_labels, heads_of
from densefit.engine.mxnet.devices import check_split
from densefit.engine.mxnet.graph.bfloat16 import check_precision, in_bfloat16
from densefit.engine.mxnet.graph.fuse_bn_relu import fuse_relu
from densefit.engine.mxnet.graph.gradient_probe import check_gradient_sums
from densefit.engine.mxnet.graph.overwriting_ops import with_added_gradients
from densefit.engine.mxnet.graph.shapes import can_cut_rows, infer_shapes
from densefit.engine.mxnet.initializer import ByName, as_initializer
from densefit.engine.mxnet.inputs import Input, bound_inputs, log_changes
from densefit.engine.mxnet.module import Modules, Shapes, TrainGraph
from densefit.engine.mxnet.ndarrays import to_ndarrays
from densefit.engine.param_groups import check_fixed, frozen
from densefit.engine.settings import BindSettings
from densefit.errors import BindError
from densefit.model.network import Network
from densefit.model.symbol_graph import SymbolGraph

_log = logging.getLogger("densefit")


def bind_training(
    network: Network, reader: BatchReader, devices: Sequence[Any], settings: BindSettings
) -> tuple[Modules, dict[str, tuple[int, ...]]]:
    """Bind the Modules of the train graph; the first of them gets parameters.

    Args:
        network: network whose graph and parameters are bound.
        reader: reader of the training data.
        devices: MXNet contexts.
        settings: settings of the binding.

    Returns:
        (Modules, shape of each output for a full batch by short name).

    Raises:
        BindError, ConfigError, DataError: as `Engine.bind`.
        EngineError: MXNet would compute wrong gradients for the network.
    """
    check_precision(settings.precision, devices)
    check_split(devices, reader.batch_size, f"{reader.where} data, batch size")
    if reader.last_real is not None:
        check_split(devices, reader.last_real, f"{reader.where} data, last batch of an epoch")
    symbol = network.graph("train", reader.input_size, settings.weigh)
    check_data(reader, symbol)
    graph = SymbolGraph.of(symbol)
    check_labels(reader, symbol, loss_labels(graph))
    data = {desc.name: desc for desc in reader.data_specs}
    labels, heads = _labels(network, reader, symbol)
    where = f"heads {', '.join(heads)}"
    inputs = bound_inputs(symbol, data, labels, where)
    log_changes(inputs, {**data, **labels}, f"{reader.where} data")
    full = {name: bound.shape for name, bound in inputs.items()}
    shapes, outputs = infer_shapes(symbol, full, heads)
    values = {**network.parameters, **network.statistics}
    check_parameters(shapes, values, list(network.adapters))
    for adapter in network.adapters.values():
        adapter.check("train", outputs, reader.batch_size, len(devices))
    if not network.heads and not can_cut_rows(symbol, full, reader.batch_size):
        _keep_padding(reader)
    if not settings.allow_missing:
        check_complete(shapes, inputs, values)
    graph, fixed = _rewritten(graph, inputs, settings)
    trained = set(symbol.list_arguments()) - set(inputs) - set(fixed)
    if settings.accumulate > 1:
        graph = with_added_gradients(graph, trained)
    types = {name: bound.dtype for name, bound in inputs.items()}

    def symbol_for(batch: Shapes) -> Any:
        if reader.keeps_padding and batch != full:
            raise _other_rows(full, batch, where)
        now, _ = infer_shapes(graph.symbol, batch, heads)
        check_same_parameters(shapes, now, inputs, batch, where)
        is_fused = settings.fuse and settings.live is None
        return (fuse_relu(graph, batch, devices, types) if is_fused else graph).symbol

    gradients = "add" if settings.accumulate > 1 else "write"
    train_graph = TrainGraph(
        inputs, list(data), list(labels), devices, gradients, fixed, symbol_for, where
    )
    modules = _with_parameters(train_graph, network, settings)
    check_gradient_sums(graph, trained)
    return modules, outputs


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


def _rewritten(
    graph: SymbolGraph, inputs: Mapping[str, Input], settings: BindSettings
) -> tuple[SymbolGraph, list[str]]:
    """(graph with frozen statistics, in the settings' precision; names of fixed parameters)."""
    trainable = [name for name in graph.symbol.list_arguments() if name not in inputs]
    fixed = frozen(settings.freeze, trainable)
    graph = with_frozen_statistics(graph, fixed)
    fixed = check_fixed(settings.fixed, trainable, fixed)
    return in_bfloat16(graph) if settings.precision == "bfloat16" else graph, fixed


def _with_parameters(graph: TrainGraph, network: Network, settings: BindSettings) -> Modules:
    """Make the Modules of a train graph, or use the user's, with parameters."""
    initializer = ByName(as_initializer(settings.initializer), settings.seed)
    live = settings.live
    try:
        if live is not None:
            live.prepare(graph, network, initializer, settings.is_given)
            module = live.first
        else:
            module = graph.bind({name: bound.shape for name, bound in graph.inputs.items()})
        check_dense(module, graph.where)
        if live is None:
            module.init_params(
                initializer,
                arg_params=to_ndarrays(network.parameters) or None,
                aux_params=to_ndarrays(network.statistics) or None,
                allow_missing=True,
                allow_extra=True,
            )
    except ValueError as error:
        raise BindError(
            f"A parameter cannot be initialised: {str(error).strip()}",
            fix="fit(..., initializer=mx.init.Mixed(...)), or set_params before fit",
        ) from error
    modules: Modules = Modules(graph, module) if live is None else live
    return modules


def _other_rows(full: Shapes, batch: Shapes, where: str) -> BindError:
    """Make the error for a batch whose number of rows does not fit the symbol."""
    return BindError(
        "A batch has another number of rows than the symbol is made for",
        expected=full,
        received=dict(batch),
        where=where,
        fix="mx.sym.Reshape(..., shape=(-1, ...)) or shape=(0, ...) takes any number; or "
        "yield full batches only (last_batch_handle='pad')",
    )


def check_dense(module: Any, where: str) -> None:
    """Raise BindError for parameters that are stored as row_sparse."""
    group = module._exec_group
    sparse = [
        n
        for n, replicas in zip(group.param_names, group.param_arrays)
        if replicas[0].stype != "default"
    ]
    if sparse:
        raise BindError(
            f"The parameters {', '.join(sparse)} are stored as row_sparse, which is not trained",
            expected="dense parameters; data may be csr, and gradients row_sparse",
            where=where,
            fix=f"mx.sym.Variable({sparse[0]!r}, stype='default'): with all rows in one process, "
            "the numbers are the same",
        )
