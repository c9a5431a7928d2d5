"""The eval graph: bound to a feeder's shapes, given parameters, run on batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit import backend
from densefit.backend import mx
from densefit.errors import BindError, DataError
from densefit.model.network import Network
from densefit.model.route import short_name
from densefit.train.feed import Fed, Feeder
from densefit.train.module import bound_module, usable
from densefit.train.symbols import check_parameters, infer_shapes, loss_labels


class Pending:
    """The outputs of a batch that is being computed.

    Attributes:
        arrays: the real rows of each output as an NDArray, by short name.
    """

    def __init__(self, arrays: dict[str, Any]) -> None:
        self.arrays = arrays

    def read(self) -> dict[str, np.ndarray]:
        """The outputs in host memory. Sync point: waits for the forward pass."""
        return {name: array.asnumpy() for name, array in self.arrays.items()}


class Evaluator:
    """Outputs of a network's eval graph, batch by batch.

    The executor has arrays of its own: memory shared with the train graph would let one graph
    overwrite the other's outputs. Parameters are copied into it when they have changed.

    Args:
        network: whose eval graph and parameters are used.
        devices: MXNet contexts; a batch is split among them, or among the first of them if it has
            too few rows.
        mode: "evaluate", or "views" for the outputs that a head's merger needs.
    """

    def __init__(self, network: Network, devices: Sequence[Any], mode: str = "evaluate") -> None:
        self.network = network
        self.mode = mode
        self.devices = list(devices)
        self._module: Any = None
        self._bound: Any = None  # names, shapes and types that the Module is bound to
        self._version: int | None = None  # of the parameters in the Module
        self._parameters: dict[str, tuple[int, ...]] = {}  # their shapes

    def check(self, feeder: Feeder) -> None:
        """Whether the feeder's batches fit the eval graph; binds and reads nothing.

        Raises:
            BindError: they do not; names the head.
        """
        self._shapes(feeder)
        feeder.check_compared()

    def start(self, fed: Fed, feeder: Feeder, version: int) -> Pending:
        """Begin with a batch; returns before it is computed.

        Args:
            fed: a batch of `feeder`.
            feeder: says which shapes and heads.
            version: number of the present parameters; another than the last time means that
                they have changed.

        Raises:
            DataError: the batch holds padding, and an output is one number for all its rows.
        """
        self._bind(feeder, version)
        full = feeder.batch_size
        # A smaller last batch is filled up: another shape would need another executor.
        data = [_fill_rows(fed.data[name], full) for name in self._module.data_names]
        self._module.forward(mx.io.DataBatch(data=data, label=None, pad=0), is_train=False)
        arrays = dict(zip(self._outputs, self._module.get_outputs()))
        found = {}
        for wire in feeder.wires:
            for name in wire.outputs(self.mode):
                rows = wire.rows(name)
                if rows == 0 and fed.real != full:
                    raise DataError(
                        f"The output {name!r} is one number for a whole batch, and this batch "
                        "holds padding: no exact score can be made of it",
                        received=f"{fed.real} samples in a batch of {full}",
                        where=f"head {wire.name}",
                        fix="let the symbol give one number a sample, or choose a batch size "
                        "that divides the dataset",
                    )
                array = arrays[name] if rows == 0 else arrays[name][: fed.real * rows]
                # A copy, because the next batch is computed into the same memory. Made by the
                # engine when the forward pass is done: nothing waits here.
                found[name] = array.copy()
        return Pending(found)

    def _shapes(self, feeder: Feeder) -> tuple[Any, list[Any], dict[str, tuple[int, ...]]]:
        """(symbol, DataDescs of its labels, shape of each parameter)."""
        symbol = self.network.graph(self.mode, feeder.input_size)
        feeder.check_data(symbol)
        arguments = set(symbol.list_arguments())
        provided = [desc for desc in feeder.label_descs if desc.name in arguments]
        shapes = {desc.name: desc.shape for desc in [*feeder.data_descs, *provided]}
        heads = [wire.name for wire in feeder.wires]
        devices = usable(self.devices, feeder.batch_size)
        known, outputs = infer_shapes(symbol, shapes, heads)
        for wire in feeder.wires:
            wire.check(self.mode, outputs, feeder.batch_size, len(devices))
        # Labels that only a loss reads need no data here, but must not pass for parameters.
        labels = {*loss_labels(symbol), *(n for w in self.network.wires.values() for n in w.labels)}
        needless = sorted((labels & arguments) - set(shapes))
        descs = provided + [mx.io.DataDesc(name, known[name]) for name in needless]
        inputs = {*shapes, *needless}
        return symbol, descs, {name: known[name] for name in known if name not in inputs}

    def _bind(self, feeder: Feeder, version: int) -> None:
        wanted = tuple(
            (desc.name, tuple(desc.shape), str(desc.dtype)) for desc in feeder.data_descs
        )
        changed = self._version != version
        # A fused executor (the user's own MXNET_SUBGRAPH_BACKEND) keeps its first weights for good.
        if self._bound == wanted and not (changed and backend.subgraph_fusion()):
            if changed:
                self._load(feeder)
                self._version = version
            return
        symbol, labels, self._parameters = self._shapes(feeder)
        devices = usable(self.devices, feeder.batch_size)
        self._module = bound_module(symbol, feeder, labels, devices, gradients=None)
        self._outputs = [short_name(name) for name in symbol.list_outputs()]
        self._load(feeder)
        self._bound, self._version = wanted, version

    def _load(self, feeder: Feeder) -> None:
        """Copy the network's parameters to the devices."""
        arguments, auxiliary = self.network.get_params() if self._parameters else ({}, {})
        given = {**arguments, **auxiliary}
        missing = [name for name in self._parameters if name not in given]
        if missing:
            raise BindError(
                "The network has no value for some parameters",
                expected=missing,
                received=f"{len(given)} parameters",
                fix="load a checkpoint of this network, or train it",
            )
        check_parameters(self._parameters, given, [wire.name for wire in feeder.wires])
        self._module.init_params(
            arg_params=arguments, aux_params=auxiliary, allow_extra=True, force_init=True
        )


def _fill_rows(array: Any, rows: int) -> Any:
    """Repeat the last row up to `rows`: the copies are cut off the outputs."""
    short = rows - array.shape[0]
    if short == 0:
        return array
    return mx.nd.concat(array, mx.nd.repeat(array[-1:], short, axis=0), dim=0)
