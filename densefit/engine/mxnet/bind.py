"""Bind the train graph of a network to the shapes of its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.engine.batch_reader import BatchReader
from densefit.engine.mxnet.devices import check_split
from densefit.engine.mxnet.graph.bfloat16 import check_precision, in_bfloat16
from densefit.engine.mxnet.graph.fuse_bn_relu import fuse_relu
from densefit.engine.mxnet.graph.gradient_probe import check_gradient_sums
from densefit.engine.mxnet.graph.inference import MXNetInference
from densefit.engine.mxnet.graph.overwriting_ops import with_added_gradients
from densefit.engine.mxnet.initializer import ByName, as_initializer
from densefit.engine.mxnet.module import Modules, Shapes, TrainGraph
from densefit.engine.mxnet.ndarrays import to_ndarrays
from densefit.engine.settings import BindSettings
from densefit.engine.training.train_plan import plan_training
from densefit.errors import BindError
from densefit.model.network import Network


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
    plan = plan_training(network, reader, settings, MXNetInference(), len(devices))
    graph = plan.graph
    if settings.precision == "bfloat16":
        graph = in_bfloat16(graph)
    if settings.accumulate > 1:
        graph = with_added_gradients(graph, set(plan.trained))
    types = {name: bound.dtype for name, bound in plan.inputs.items()}

    def symbol_for(batch: Shapes) -> Any:
        plan.check_batch(batch, graph.symbol)
        is_fused = settings.fuse and settings.live is None
        return (fuse_relu(graph, batch, devices, types) if is_fused else graph).symbol

    gradients = "add" if settings.accumulate > 1 else "write"
    train_graph = TrainGraph(
        plan.inputs,
        list(plan.data),
        list(plan.labels),
        devices,
        gradients,
        list(plan.fixed),
        symbol_for,
        plan.where,
    )
    modules = _with_parameters(train_graph, network, settings)
    check_gradient_sums(graph, plan.trained)
    return modules, dict(plan.outputs)


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
