"""The one seam to the compute engine: an MXNet Module, bound and fed by name."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit import backend
from densefit.backend import mx
from densefit.checkpoint.state import (
    counters_to_dict,
    optimizer_to_arrays,
    restore_counters,
    restore_updater,
)
from densefit.errors import BindError, CheckpointError, ConfigError, DataError
from densefit.model.network import Network
from densefit.model.route import short_name
from densefit.train.feed import Fed, Feeder
from densefit.train.symbols import loss_labels, loss_outputs, normalizations

_silent = logging.getLogger("densefit.mxnet")


class Learner:
    """Trains and evaluates one Network on one set of devices.

    Two Modules, each with arrays of its own: sharing memory between them would let one graph
    overwrite the other's outputs. The eval Module takes over the parameters when they have
    changed.

    Args:
        network: whose parameters are read at the start and written back by `pull`.
        devices: MXNet contexts; a batch is split among them.
    """

    def __init__(self, network: Network, devices: Sequence[Any] | None = None) -> None:
        self.network = network
        self.devices = list(devices or [mx.cpu()])
        self._train: Any = None
        self._eval: Any = None
        self._eval_key: Any = None
        self._version = 0  # of the parameters in the train Module
        self._pulled = 0
        self._evaluated: int | None = None
        self._optimizer: Any = None
        self._mean_losses = False

    # --- training ---------------------------------------------------------------------------

    def bind(self, feeder: Feeder, initializer: Any = None) -> None:
        """Bind the train graph to the feeder's shapes and give every parameter a value.

        Raises:
            BindError: a label is missing, superfluous, misnamed or misshaped; parameters do not
                fit.
        """
        symbol = self.network.graph("train", _input_size(feeder.data_descs))
        arguments = set(symbol.list_arguments())
        _check_data(symbol, feeder)
        own = loss_labels(symbol)
        feeder.check_labels([label for label in own if label in arguments])
        label_descs = [desc for desc in feeder.label_descs if desc.name in arguments]
        self._check_shapes(symbol, feeder, label_descs)
        module = mx.mod.Module(
            symbol,
            data_names=[desc.name for desc in feeder.data_descs],
            label_names=[desc.name for desc in label_descs],
            context=self.devices,
            logger=_silent,
        )
        module.bind(feeder.data_descs, label_descs or None, for_training=True)
        try:
            module.init_params(
                initializer or mx.init.Xavier(rnd_type="gaussian", factor_type="out", magnitude=2),
                arg_params=self.network.arg_params or None,
                aux_params=self.network.aux_params or None,
                allow_missing=True,
                allow_extra=True,
            )
        except ValueError as error:
            raise BindError(
                f"A parameter cannot be initialised: {str(error).strip()}",
                fix="fit(..., initializer=mx.init.Mixed(...)), or set_params before fit",
            ) from error
        self._train = module
        self._outputs = [short_name(name) for name in symbol.list_outputs()]
        self._mean_losses = self._loss_normalization(symbol) == "mean"
        self._version += 1
        self.network._pull = self.pull
        self.pull()

    def _check_shapes(self, symbol: Any, feeder: Feeder, label_descs: Sequence[Any]) -> None:
        shapes = {desc.name: desc.shape for desc in [*feeder.data_descs, *label_descs]}
        heads = [
            wire.name
            for wire in self.network.wires.values()
            if set(wire.labels) & {desc.name for desc in label_descs}
        ]
        try:
            found, _, aux = symbol.infer_shape(**shapes)
        except mx.base.MXNetError as error:
            reason = str(error).strip().splitlines()
            raise BindError(
                "The shapes of the data and labels do not fit the symbol",
                received=shapes,
                where=f"head {', '.join(heads) or '(none)'}",
                fix=reason[-1] if reason else None,
            ) from error
        if found is None:
            raise BindError(
                "Not every shape of the symbol follows from the data and labels",
                received=shapes,
                fix="does the iterator provide every input of the symbol?",
            )
        known = dict(zip(symbol.list_arguments(), found))
        known.update(zip(symbol.list_auxiliary_states(), aux))
        for name, value in {**self.network.arg_params, **self.network.aux_params}.items():
            if name in known and tuple(value.shape) != tuple(known[name]):
                raise BindError(
                    f"The parameter {name!r} has another shape than the symbol needs",
                    expected=known[name],
                    received=value.shape,
                    fix="was it trained for another number of classes?",
                )

    def _loss_normalization(self, symbol: Any) -> str:
        inferred = normalizations(symbol)
        stated = {}
        for wire in self.network.wires.values():
            for output in wire.outputs("train"):
                inferred[output] = wire.normalization or inferred[output]
                stated[output] = wire.name
        kinds = {
            kind: [name for name, found in inferred.items() if found == kind]
            for kind in ("sum", "mean")
        }
        if not kinds["mean"]:
            return "sum"
        # outputs that are no losses (BlockGrad, say) are "sum" too, but have no gradient
        losing = set(loss_outputs(symbol))
        if losing & set(kinds["sum"]):
            raise ConfigError(
                "Losses of one symbol are normalised in two ways, and one factor serves them all",
                expected="all with normalization 'null', or all with 'batch' or 'valid'",
                received=f"sum: {sorted(losing & set(kinds['sum']))}, mean: {kinds['mean']}",
                where=f"heads {sorted(set(stated.values()))}",
            )
        return "mean"

    def start_optimizer(self, optimizer: Any, settings: Mapping[str, Any], batch_size: int) -> Any:
        """Create the optimizer; returns it.

        Raises:
            ConfigError: unknown optimizer or settings.
        """
        if isinstance(optimizer, mx.optimizer.Optimizer):
            if settings:
                raise ConfigError("Settings go with an optimizer's name, not with an object")
            optimizer.rescale_grad = 1.0 / batch_size  # or Module would warn; set at each update
        settings = {**settings}
        if not isinstance(optimizer, mx.optimizer.Optimizer):
            settings["rescale_grad"] = 1.0 / batch_size
        try:
            self._train.init_optimizer(
                kvstore="local",
                optimizer=optimizer,
                optimizer_params=settings,
                force_init=True,
            )
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"MXNet refuses the optimizer: {error}",
                expected=sorted(mx.optimizer.Optimizer.opt_registry),
                received=f"{optimizer!r} with {dict(settings)}",
            ) from error
        self._optimizer = self._train._optimizer
        return self._optimizer

    def step(self, fed: Fed, lr: float | None) -> None:
        """One update on the real rows of a batch. Returns before it is computed.

        Args:
            lr: learning rate; None leaves it to the optimizer's own scheduler.
        """
        module = self._train
        cut = fed.real < fed.rows  # padding trains nothing, and must not enter BatchNorm either
        if fed.real < len(self.devices):
            raise DataError(
                "A batch has fewer samples than there are devices",
                received=f"{fed.real} samples for {len(self.devices)} devices",
                where=f"samples {', '.join(fed.ids)}",
                fix="drop the last batch (last='drop'), or choose another batch size",
            )
        data = [fed.data[name] for name in module.data_names]
        label = [fed.label[name] for name in module.label_names]
        if cut:
            data = [_head_rows(array, fed) for array in data]
            label = [_head_rows(array, fed) for array in label]
        optimizer = self._optimizer
        # One place normalises: losses are sums over samples unless they said otherwise.
        optimizer.rescale_grad = 1.0 / (len(self.devices) if self._mean_losses else fed.real)
        if lr is not None:
            optimizer.lr = lr
        module.forward_backward(mx.io.DataBatch(data=data, label=label or None, pad=0))
        module.update()
        self._version += 1

    def train_outputs(self) -> dict[str, np.ndarray]:
        """Outputs of the last step by short name. Waits for its forward, not for its backward."""
        return {
            name: array.asnumpy()
            for name, array in zip(self._outputs, self._train.get_outputs())
        }

    def load_params(
        self, arg_params: Mapping[str, Any], aux_params: Mapping[str, Any], where: str
    ) -> None:
        """Replace all parameters of the bound train graph.

        Raises:
            CheckpointError: a parameter is missing or has another shape.
        """
        self.pull()
        for wanted, given in (
            (self.network.arg_params, arg_params),
            (self.network.aux_params, aux_params),
        ):
            for name, value in wanted.items():
                if name not in given or tuple(given[name].shape) != tuple(value.shape):
                    raise CheckpointError(
                        f"The checkpoint does not fit the network at parameter {name!r}",
                        expected=value.shape,
                        received=given[name].shape if name in given else "nothing",
                        where=where,
                        fix="is it a checkpoint of another recipe?",
                    )
        self.network.set_params(arg_params, aux_params)
        self._train.set_params(
            self.network.arg_params, self.network.aux_params, allow_extra=True
        )
        self._version += 1

    def pull(self) -> None:
        """Write the current parameters back to the network."""
        if self._train is None or self._pulled == self._version:
            return
        # get_params caches unless told that the devices are ahead
        self._train._params_dirty = True
        self.network.arg_params, self.network.aux_params = self._train.get_params()
        self._pulled = self._version

    def release(self) -> None:
        """Leave the network with its own parameters."""
        self.pull()
        if self.network._pull == self.pull:
            self.network._pull = None

    # --- evaluation -------------------------------------------------------------------------

    def evaluate(self, fed: Fed, feeder: Feeder) -> dict[str, np.ndarray]:
        """Outputs of the eval graph for the real rows of a batch, by short name."""
        self._bind_eval(feeder)
        module = self._eval
        wanted = feeder.batch_size
        data = [_fill_rows(fed.data[name], wanted) for name in module.data_names]
        module.forward(mx.io.DataBatch(data=data, label=None, pad=0), is_train=False)
        found = {}
        rows_of = {
            output: (wire, wire.rows(output))
            for wire in self.network.wires.values()
            for output in wire.outputs("evaluate")
        }
        for name, array in zip(self._eval_outputs, module.get_outputs()):
            if name not in rows_of:
                continue
            wire, rows = rows_of[name]
            if rows == 0:
                if fed.real != wanted:
                    raise DataError(
                        f"The output {name!r} is one number for a whole batch, and this batch "
                        "holds padding: no exact score can be made of it",
                        received=f"{fed.real} samples in a batch of {wanted}",
                        where=f"head {wire.name}",
                        fix="let the symbol give one number a sample, or choose a batch size "
                        "that divides the dataset",
                    )
                found[name] = array.asnumpy()
                continue
            if array.shape[0] != wanted * rows:
                raise BindError(
                    f"The output {name!r} has {array.shape[0]} rows for {wanted} samples",
                    expected=f"{rows} a sample",
                    received=array.shape,
                    where=f"head {wire.name}",
                    fix="Route(rows=...) says how many rows belong to a sample (0: a scalar)",
                )
            found[name] = array.asnumpy()[: fed.real * rows]
        return found

    def _bind_eval(self, feeder: Feeder) -> None:
        key = tuple((desc.name, tuple(desc.shape), str(desc.dtype)) for desc in feeder.data_descs)
        # A fused executor (the user's own MXNET_SUBGRAPH_BACKEND) keeps old weights for good.
        stale = backend.subgraph_fusion() and self._evaluated != self._version
        if self._eval_key != key or stale:
            symbol = self.network.graph("evaluate", _input_size(feeder.data_descs))
            _check_data(symbol, feeder)
            labels = set(loss_labels(symbol))
            provided = [desc for desc in feeder.label_descs if desc.name in symbol.list_arguments()]
            bound = [desc.name for desc in provided] + [
                label for label in sorted(labels) if label not in {d.name for d in provided}
            ]
            self._eval = mx.mod.Module(
                symbol,
                data_names=[desc.name for desc in feeder.data_descs],
                label_names=bound,
                context=self.devices,
                logger=_silent,
            )
            self._eval.bind(feeder.data_descs, provided or None, for_training=False)
            self._eval_outputs = [short_name(name) for name in symbol.list_outputs()]
            self._eval_key, self._evaluated = key, None
        if self._evaluated != self._version:
            arg_params, aux_params = self.network.get_params()
            known = self._eval._exec_group.param_names
            missing = [name for name in known if name not in arg_params]
            if missing:
                raise BindError(
                    "The network has no value for some parameters",
                    expected=missing,
                    received=f"{len(arg_params)} parameters",
                    fix="load a checkpoint of this network, or train it",
                )
            self._eval.init_params(
                arg_params=arg_params, aux_params=aux_params, allow_extra=True, force_init=True
            )
            self._evaluated = self._version

    # --- state ------------------------------------------------------------------------------

    def optimizer_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, counters) of the optimizer, by parameter name."""
        names = self._index_to_name()
        return (
            optimizer_to_arrays(self._updater.states, names, len(self.devices)),
            counters_to_dict(self._optimizer, names),
        )

    def load_optimizer_state(
        self, arrays: Mapping[str, np.ndarray], counters: Mapping[str, Any]
    ) -> None:
        """Continue from what `optimizer_state` gave.

        Raises:
            CheckpointError: it is of other parameters.
        """
        names = self._index_to_name()
        restore_updater(self._updater, arrays, names)
        ids = [device.device_id for device in self.devices]
        restore_counters(self._optimizer, counters, names, ids)

    @property
    def _updater(self) -> Any:
        return self._train._updater or self._train._kvstore._updater

    def _index_to_name(self) -> dict[Any, str]:
        """What the updater calls a parameter: its number, or under a kvstore its name."""
        names = self._train._exec_group.param_names
        if self._train._update_on_kvstore:
            return {name: name for name in names}
        return dict(enumerate(names))


def _input_size(data_descs: Sequence[Any]) -> tuple[int, int] | None:
    """(height, width) of a (B, C, H, W) input; None for anything else."""
    shape = data_descs[0].shape
    return (int(shape[2]), int(shape[3])) if len(shape) == 4 else None


def _check_data(symbol: Any, feeder: Feeder) -> None:
    arguments = symbol.list_arguments()
    for desc in feeder.data_descs:
        if desc.name not in arguments:
            raise BindError(
                f"The {feeder.where} data provide the input {desc.name!r}, which the symbol does "
                "not have",
                expected="an input of the symbol",
                received=f"provide_data {[d.name for d in feeder.data_descs]}",
                where=f"heads {', '.join(wire.name for wire in feeder.wires)}",
                fix=f"rename it in the iterator; the symbol begins with {arguments[:3]}",
            )


def _head_rows(array: Any, fed: Fed) -> Any:
    return array[: array.shape[0] // fed.rows * fed.real]


def _fill_rows(array: Any, rows: int) -> Any:
    """Repeat the last row up to `rows`: shapes stay, and the copies are cut off afterwards."""
    short = rows - array.shape[0]
    if short == 0:
        return array
    return mx.nd.concat(array, mx.nd.repeat(array[-1:], short, axis=0), dim=0)
