"""The train graph of a network, bound to the shapes of its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.backend import mx
from densefit.errors import BindError, ConfigError, DataError
from densefit.model.network import Network, Weigh
from densefit.train.feed import Feeder
from densefit.train.fused import fuse_relu
from densefit.train.gradient_probe import check_gradient_sums
from densefit.train.groups import frozen, with_frozen_statistics
from densefit.train.initializer import He
from densefit.train.module import bound_module, usable
from densefit.train.overwriting import with_added_gradients
from densefit.train.precision import check_precision, in_bfloat16
from densefit.train.symbols import (
    check_parameters,
    infer_shapes,
    loss_labels,
    loss_normalization,
)


def bind_training(
    network: Network,
    feeder: Feeder,
    devices: Sequence[Any],
    initializer: Any = None,
    accumulate: int = 1,
    freeze: Sequence[str] = (),
    precision: str = "float32",
    weigh: Weigh | None = None,
) -> tuple[Any, bool]:
    """A Module of the train graph, with parameters.

    Args:
        network: whose graph and parameters.
        feeder: of the training data.
        devices: MXNet contexts.
        initializer: for parameters that the network has no value for yet.
        accumulate: micro-batches an update.
        freeze: patterns of parameters that are not trained.
        precision: of convolutions and dense layers, see `densefit.train.precision`.
        weigh: see `Network.graph`.

    Returns:
        (Module, whether the graph's losses are means over a batch).

    Raises:
        BindError, ConfigError, DataError: as `Learner.bind`.
        EngineError: MXNet would compute wrong gradients for the network.
    """
    check_precision(precision, devices)
    check_split(devices, feeder.batch_size, f"{feeder.where} data, batch size")
    if feeder.last_real is not None:
        check_split(devices, feeder.last_real, f"{feeder.where} data, last batch of an epoch")
    symbol = network.graph("train", feeder.input_size, weigh)
    feeder.check_data(symbol)
    feeder.check_labels(symbol, loss_labels(symbol))
    arguments = set(symbol.list_arguments())
    label_descs = [desc for desc in feeder.label_descs if desc.name in arguments]
    heads = feeder.heads_of([desc.name for desc in label_descs])
    # The factors on each sample's loss come from the learner, and from no iterator.
    label_descs += [
        mx.io.DataDesc(name, (feeder.batch_size,))
        for wire in network.wires.values()
        for name in wire.weights
        if name in arguments
    ]
    shapes = {desc.name: desc.shape for desc in feeder.descs if desc.name in arguments}
    shapes.update({desc.name: desc.shape for desc in label_descs})
    known, outputs = infer_shapes(symbol, shapes, heads)
    given = {**network.arg_params, **network.aux_params}
    check_parameters(known, given, list(network.wires))
    for wire in network.wires.values():
        wire.check("train", outputs, feeder.batch_size, len(devices))
    normalization = loss_normalization(
        symbol, network.wires, outputs, feeder.batch_size, len(devices)
    )
    if normalization == "mean" and accumulate > 1:
        raise ConfigError(
            "Losses that are means over a batch do not add up over micro-batches",
            received=f"accumulate={accumulate}",
            fix='use normalization="null" in the loss layers, or accumulate=1',
        )
    inputs = {desc.name for desc in [*feeder.descs, *label_descs]}
    fixed = frozen(freeze, [name for name in symbol.list_arguments() if name not in inputs])
    symbol = with_frozen_statistics(symbol, fixed)
    if precision == "bfloat16":
        symbol = in_bfloat16(symbol)
    trained = set(symbol.list_arguments()) - inputs - set(fixed)
    if accumulate > 1:
        symbol = with_added_gradients(symbol, trained)
    symbol = fuse_relu(symbol, shapes, devices, {d.name: d.dtype for d in feeder.descs})
    module = bound_module(
        symbol, feeder, label_descs, devices, "add" if accumulate > 1 else "write", fixed
    )
    check_gradient_sums(symbol, trained)
    try:
        module.init_params(
            initializer or He(),
            arg_params=network.arg_params or None,
            aux_params=network.aux_params or None,
            allow_missing=True,
            allow_extra=True,
        )
    except ValueError as error:
        raise BindError(
            f"A parameter cannot be initialised: {str(error).strip()}",
            fix="fit(..., initializer=mx.init.Mixed(...)), or set_params before fit",
        ) from error
    return module, normalization == "mean"


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
