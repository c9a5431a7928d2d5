"""Adapter of `mx.mod.Module`: reads its symbol and parameters, and writes them back."""

from __future__ import annotations

import copy
import logging
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from densefit import adapters
from densefit.backend import mx
from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.engine.graph.symbol_info import loss_labels
from densefit.engine.model_input import ModelInput, nothing
from densefit.engine.mxnet.ndarrays import to_ndarrays
from densefit.engine.mxnet.optimizers.resume import (
    load_optimizer_arrays,
    load_optimizer_state,
    optimizer_state,
    restart_store,
)
from densefit.engine.mxnet.optimizers.states import optimizer_to_arrays
from densefit.errors import CheckpointError, ConfigError
from densefit.interop.module.live_module import LiveModule
from densefit.model.heads.route import Route
from densefit.model.network import Network
from densefit.model.symbol_graph import SymbolGraph

_log = logging.getLogger("densefit")

#: Counters of an optimizer that has made no update.
_UNCOUNTED = {"num_update": 0, "begin_num_update": 0, "counts": {}, "running": {}}
# Methods of a Module that make up a training step.
_STEPS = ("forward", "backward", "forward_backward", "update", "prepare")


def _is_module(model: Any) -> bool:
    return isinstance(model, mx.mod.BaseModule)


@adapters.models.register(_is_module)
def of_module(model: Any, heads: Mapping[str, Route] | None = None, **context: Any) -> ModelInput:
    """Adapt a Module for `fit` and `score`.

    Parameters and optimizer states are read from a bound or loaded Module (`Module.load`). The
    Module is trained in place (`LiveModule`), unless its symbol must be rewritten (micro-batches,
    averages, bfloat16, frozen statistics): then it is updated before each `epoch_end_callback` and
    at the end (`Mirror`). So it is with another engine than MXNet.

    Args:
        model: an `mx.mod.Module`.
        heads: routes; by default one for each loss output.
        context: `batch_end_callback`, if any: callbacks that are not MXNet's may read the Module.

    Raises:
        ConfigError: the model is another kind of Module.
    """
    if not isinstance(model, mx.mod.Module):
        raise ConfigError(
            f"A {type(model).__name__} is no mx.mod.Module",
            expected="an mx.mod.Module, or its Symbol",
            received=type(model).__name__,
            fix="of a BucketingModule, train the symbol of one bucket, to whose length the samples "
            "are padded: mx.mod.Module(*sym_gen(key)); of a SequentialModule, compose the symbols; "
            "of a Module of your own class, give its symbol: batches may change their shapes",
        )
    if getattr(model, "_state_names", None):
        raise ConfigError(
            "A Module with states between batches is not trained",
            received=f"state_names={model._state_names}",
            fix="give the initial states as data, and reset them with each batch",
        )
    _check_class(type(model))
    if "batch_end_callback" in context:  # training; prediction needs no labels
        _check_labels(model)
    network = Network(symbol=model.symbol, routes=heads)
    arguments, auxiliary = _parameters(model)
    network.set_params(arguments, auxiliary)
    live = LiveModule(model)
    is_read = _may_read(context.get("eval_batch_end_callback"))
    mirror = Mirror(model, _may_read(context.get("batch_end_callback")))
    return ModelInput(
        network,
        list(model.data_names),
        list(model.label_names),
        list(model._context),
        list(model._fixed_param_names or ()),
        [mirror],
        optimizer=model._optimizer if model.optimizer_initialized else None,
        live=live,
        evaluated=live.evaluate if is_read else nothing,
        started=mirror.take,
        model=model,
    )


def _check_class(kind: Any) -> None:
    """Raise ConfigError for a class that overrides a Module's steps; warn if it overrides fit."""
    overridden = [
        name for name in _STEPS if getattr(kind, name) is not getattr(mx.mod.Module, name)
    ]
    if overridden:
        raise ConfigError(
            f"A {kind.__name__} makes steps of its own: its symbol alone would be computed",
            expected="an mx.mod.Module, or a class that leaves its steps as they are",
            received=f"{kind.__name__}.{', .'.join(overridden)}",
            fix="to do without them, give its symbol: df.fit(module.symbol, ...); else put what "
            "they do into the symbol, the iterator, the optimizer or a callback",
        )
    if kind.fit is not mx.mod.Module.fit:
        _log.warning("%s has a fit of its own, which is not run", kind.__name__)


def _check_labels(module: Any) -> None:
    """Raise ConfigError if the Module lacks a label of the loss layers."""
    inputs = [*module.data_names, *module.label_names]
    missing = [name for name in loss_labels(SymbolGraph.of(module.symbol)) if name not in inputs]
    if missing:
        arguments = module.symbol.list_arguments()
        names = [name for name in module.label_names if name in arguments]
        raise ConfigError(
            f"The loss layers read the labels {missing}, which the Module takes for parameters",
            received=f"label_names={module.label_names}",
            fix=f"mx.mod.Module(symbol, label_names={names + missing})",
        )


def _may_read(callbacks: Any) -> bool:
    """Return whether a batch callback may read the Module: MXNet's callbacks do not."""
    several = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    return any(
        callback is not None
        and "mxnet.callback" not in (type(callback).__module__, callback.__module__)
        for callback in several
    )


class Mirror(Callback):
    """Copy parameters, optimizer and optimizer states from a training to a Module.

    Args:
        module: the user's Module.
        is_read: whether callbacks may read the Module after each update.
    """

    def __init__(self, module: Any, is_read: bool = False) -> None:
        self.module, self.is_read = module, is_read
        self._learner: Any = None

    def take(self, learner: Any) -> None:
        """Follow an engine, and load the optimizer states that the Module was loaded with."""
        self._learner = learner
        # A copy of the scheduler: MXNet sets its base rate when it creates an optimizer.
        settings = learner.updater.settings
        self._recipe = copy.deepcopy((settings.optimizer, dict(settings.settings)))
        module = self.module
        if module.optimizer_initialized:  # by the user, or by an earlier training
            learner.load_optimizer_state(*optimizer_state(module))
            return
        states = getattr(module, "_preload_opt_states", None)
        if states is not None:
            arrays = _states_by_name(states, module)
            if learner.name == "mxnet":
                load_optimizer_arrays(learner.module, arrays)
            else:
                learner.load_optimizer_state(arrays, _UNCOUNTED)
            module._preload_opt_states = None

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Update the Module's parameters, if callbacks may read them."""
        if self.is_read:
            self._refresh_parameters(state.network)

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Update the Module before any `epoch_end_callback`."""
        self.refresh(state.network)

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Update the Module."""
        self.refresh(state.network)

    def refresh(self, network: Network) -> None:
        """Copy the current parameters, and optimizer states if the Module is bound to train."""
        if not network.initialized or self._learner is None:
            return
        self._refresh_parameters(network)
        if self.module.for_training:
            self._refresh_optimizer()

    def _refresh_parameters(self, network: Network) -> None:
        module, learner = self.module, self._learner
        if not module.binded:
            module.params_initialized = False
            module._arg_params = module._aux_params = None
            data, labels = learner.bound_specs
            module.bind(data, labels or None, for_training=True)
        module.init_params(
            None,
            arg_params=to_ndarrays(network.parameters),
            aux_params=to_ndarrays(network.statistics),
            allow_extra=True,
            force_init=True,
        )
        if module.optimizer_initialized:
            restart_store(module)

    def _refresh_optimizer(self) -> None:
        module, learner = self.module, self._learner
        if not module.optimizer_initialized:
            optimizer, settings = self._recipe
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # rescale_grad: reported at the start
                module.init_optimizer("local", optimizer, tuple(settings.items()))
        load_optimizer_state(module, *learner.optimizer_state())


def _parameters(module: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (parameters, statistics) of a Module; empty if it has none."""
    if module.binded and module.params_initialized:
        arguments, auxiliary = module.get_params()
        return dict(arguments), dict(auxiliary)
    return dict(module._arg_params or {}), dict(module._aux_params or {})


def _states_by_name(path: str | Path, module: Any) -> dict[str, np.ndarray]:
    """Read the arrays of a Module's `.states` file, by parameter name.

    Raises:
        CheckpointError: the file is not a `.states` file, or of other parameters.
    """
    try:
        states = pickle.loads(Path(path).read_bytes())
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ValueError) as error:
        raise CheckpointError(
            f"The optimizer states cannot be read: {error}", where=path
        ) from error
    if isinstance(states, tuple):  # with the optimizer: get_states(dump_optimizer=True)
        states = states[0]
    devices = len(module._context)
    names: dict[Any, str] = {name: name for name in module._param_names}
    for number, name in enumerate(module._param_names):
        names.update({number * devices + device: name for device in range(devices)})
    _log.info(
        "%s holds no counts of updates: an optimizer or scheduler that counts begins at 0, as in "
        "Module.fit; optimizer_params={'begin_num_update': ...} says where it stood",
        path,
    )
    return optimizer_to_arrays(states, names, devices)
