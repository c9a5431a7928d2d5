"""The train graph of a network, bound to the shapes of its data."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from densefit.backend import mx
from densefit.engine.batch_reader import Feeder
from densefit.engine.engine import BindSettings
from densefit.engine.mxnet.devices import usable
from densefit.engine.mxnet.graph.bfloat16 import check_precision, in_bfloat16
from densefit.engine.mxnet.graph.frozen_statistics import with_frozen_statistics
from densefit.engine.mxnet.graph.fuse_bn_relu import fuse_relu
from densefit.engine.mxnet.graph.gradient_probe import check_gradient_sums
from densefit.engine.mxnet.graph.overwriting_ops import with_added_gradients
from densefit.engine.mxnet.graph.parameter_checks import (
    check_complete,
    check_parameters,
    check_same_parameters,
)
from densefit.engine.mxnet.graph.shapes import can_cut_rows, infer_shapes
from densefit.engine.mxnet.graph.symbol_info import loss_labels
from densefit.engine.mxnet.host_arrays import as_ndarrays
from densefit.engine.mxnet.initializer import ByName, as_initializer
from densefit.engine.mxnet.inputs import bound_inputs, tell_changes
from densefit.engine.mxnet.module import Modules, Shapes, TrainGraph
from densefit.engine.param_groups import check_fixed, frozen
from densefit.errors import BindError, DataError
from densefit.model.network import Network
from densefit.model.symbol_graph import SymbolGraph

_log = logging.getLogger("densefit")


def bind_training(
    network: Network,
    feeder: Feeder,
    devices: Sequence[Any],
    settings: BindSettings,
) -> tuple[Modules, dict[str, tuple[int, ...]]]:
    """The Modules of the train graph; the first of them has parameters.

    Args:
        network: whose graph and parameters.
        feeder: of the training data.
        devices: MXNet contexts.
        settings: how it is bound.

    Returns:
        (Modules, shape of each output for a full batch by short name).

    Raises:
        BindError, ConfigError, DataError: as `Learner.bind`.
        EngineError: MXNet would compute wrong gradients for the network.
    """
    check_precision(settings.precision, devices)
    accumulate, live = settings.accumulate, settings.live
    check_split(devices, feeder.batch_size, f"{feeder.where} data, batch size")
    if feeder.last_real is not None:
        check_split(devices, feeder.last_real, f"{feeder.where} data, last batch of an epoch")
    symbol = network.graph("train", feeder.input_size, settings.weigh)
    feeder.check_data(symbol)
    graph = SymbolGraph.of(symbol)
    feeder.check_labels(symbol, loss_labels(graph))
    arguments = set(symbol.list_arguments())
    label_descs = [desc for desc in feeder.label_descs if desc.name in arguments]
    heads = feeder.heads_of([desc.name for desc in label_descs]) or list(network.wires)
    # The factors on each sample's loss come from the learner, and from no iterator.
    label_descs += [
        mx.io.DataDesc(name, (feeder.batch_size,))
        for wire in network.wires.values()
        for name in wire.weights
        if name in arguments
    ]
    where = f"heads {', '.join(heads)}"
    data = {desc.name: desc for desc in feeder.data_descs}
    labels = {desc.name: desc for desc in label_descs}
    inputs = bound_inputs(symbol, data, labels, where)
    tell_changes(inputs, {**data, **labels}, f"{feeder.where} data")
    known, outputs = infer_shapes(symbol, {n: own.shape for n, own in inputs.items()}, heads)
    given = {**network.parameters, **network.statistics}
    check_parameters(known, given, list(network.wires))
    for wire in network.wires.values():
        wire.check("train", outputs, feeder.batch_size, len(devices))
    if not network.heads and not can_cut_rows(
        symbol, {n: own.shape for n, own in inputs.items()}, feeder.batch_size
    ):
        feeder.keeps_padding = True
        _log.warning(
            "The symbol is made for batches of %d rows (a Reshape to a fixed number of rows, say): "
            "rows that only fill up a last batch are trained as samples, as in Module.fit. "
            "mx.sym.Reshape(..., shape=(-1, ...)) or shape=(0, ...) takes any number",
            feeder.batch_size,
        )
    trainable = [name for name in symbol.list_arguments() if name not in inputs]
    chosen = frozen(settings.freeze, trainable)
    graph = with_frozen_statistics(graph, chosen)
    chosen = check_fixed(settings.fixed, trainable, chosen)
    if not settings.allow_missing:
        check_complete(known, inputs, given)
    if settings.precision == "bfloat16":
        graph = in_bfloat16(graph)
    full = {name: own.shape for name, own in inputs.items()}
    types = {name: own.dtype for name, own in inputs.items()}
    trained = {*trainable} - set(inputs) - set(chosen)
    if accumulate > 1:
        graph = with_added_gradients(graph, trained)

    def symbol_for(shapes: Shapes) -> Any:
        if feeder.keeps_padding and shapes != full:
            raise BindError(
                "A batch has another number of rows than the symbol is made for",
                expected=full,
                received=dict(shapes),
                where=where,
                fix="mx.sym.Reshape(..., shape=(-1, ...)) or shape=(0, ...) takes any number; or "
                "give full batches alone (last_batch_handle='pad')",
            )
        found, _ = infer_shapes(graph.symbol, shapes, heads)
        check_same_parameters(known, found, inputs, shapes, where)
        fuses = settings.fuse and live is None
        return (fuse_relu(graph, shapes, devices, types) if fuses else graph).symbol

    train_graph = TrainGraph(
        inputs,
        list(data),
        list(labels),
        devices,
        "add" if accumulate > 1 else "write",
        chosen,
        symbol_for,
        where,
    )
    initializer = ByName(as_initializer(settings.initializer), settings.seed)
    try:
        if live is not None:
            live.prepare(train_graph, network, initializer, settings.is_given)
            module = live.first
        else:
            module = train_graph.bind({name: own.shape for name, own in inputs.items()})
        check_dense(module, where)
        check_gradient_sums(graph, trained)
        if live is None:
            module.init_params(
                initializer,
                arg_params=as_ndarrays(network.parameters) or None,
                aux_params=as_ndarrays(network.statistics) or None,
                allow_missing=True,
                allow_extra=True,
            )
    except ValueError as error:
        raise BindError(
            f"A parameter cannot be initialised: {str(error).strip()}",
            fix="fit(..., initializer=mx.init.Mixed(...)), or set_params before fit",
        ) from error
    return Modules(train_graph, module) if live is None else live, outputs


def check_dense(module: Any, where: str) -> None:
    """Raise BindError for parameters that hold some of their rows only."""
    group = module._exec_group
    sparse = [
        n for n, own in zip(group.param_names, group.param_arrays) if own[0].stype != "default"
    ]
    if sparse:
        raise BindError(
            f"The parameters {', '.join(sparse)} are stored as row_sparse, which is not trained",
            expected="dense parameters; data may be csr, and gradients row_sparse",
            where=where,
            fix=f"mx.sym.Variable({sparse[0]!r}, stype='default'): with all rows in one process, "
            "the numbers are the same",
        )


def check_split(devices: Sequence[Any], rows: int, where: str) -> None:
    """Raise DataError unless so many rows can be split among all devices."""
    if len(usable(devices, rows)) < len(devices):
        raise DataError(
            "A batch cannot be split among the devices",
            expected="a sample for each, of parts of round(samples / devices)",
            received=f"{rows} samples for {len(devices)} devices",
            where=where,
            fix="drop a smaller last batch (last='drop'), choose another batch size, or use "
            "fewer devices",
        )
