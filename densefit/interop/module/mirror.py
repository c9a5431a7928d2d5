"""A user's Module beside a training that does not train it in place."""

from __future__ import annotations

import copy
import logging
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.engine.mxnet.ndarrays import to_ndarrays
from densefit.engine.mxnet.optimizers.resume import (
    load_optimizer_arrays,
    load_optimizer_state,
    optimizer_state,
    restart_store,
)
from densefit.engine.mxnet.optimizers.states import optimizer_to_arrays
from densefit.errors import CheckpointError
from densefit.model.network import Network

_log = logging.getLogger("densefit")

#: Counters of an optimizer that has made no update.
_UNCOUNTED = {"num_update": 0, "begin_num_update": 0, "counts": {}, "running": {}}


class Mirror(Callback):
    """Copy parameters, optimizer and optimizer states from a training to a Module.

    Args:
        module: the user's Module.
        is_read: whether callbacks may read the Module after each update.

    Attributes:
        learner: engine that is followed; None while the Module is trained in place.
        written: parameters and statistics that the Module was last given, by name.
        rate: learning rate of the Module's optimizer when it was last given one.
    """

    def __init__(self, module: Any, is_read: bool = False) -> None:
        self.module, self.is_read = module, is_read
        self.learner: Any = None
        self.written: tuple[Mapping[str, Any], Mapping[str, Any]] = {}, {}
        self.rate: float | None = None

    def take(self, learner: Any) -> None:
        """Follow an engine, and load the optimizer states that the Module was loaded with."""
        self.learner = learner
        if self.is_read:
            _log.warning(
                "The Module is not trained in place: a batch_end_callback that reads it finds its "
                "parameters and its rate, but no outputs or gradients of the batch"
            )
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
            self._start_optimizer()
            self.module._optimizer.num_update = self.learner.updater.optimizer.num_update

    def validated(self, state: TrainState, control: Control) -> None:
        """Update the Module's parameters before any `eval_end_callback`."""
        self._refresh_parameters(state.network)

    def evaluate(self, number: int, batch: Any) -> None:
        """Compute a batch of a validation for a callback that reads the Module's outputs.

        Args:
            number: index of the batch, from 0.
            batch: batch to compute; skipped if it lacks an input of the Module.
        """
        if number == 0:
            self._refresh_parameters(self.learner.network)
        module, present = self.module, batch.arrays
        names = [*module.data_names, *module.label_names]
        if any(name not in present for name in names):
            return
        arrays = to_ndarrays({name: present[name] for name in names})
        data, label = (
            [arrays[name] for name in some] for some in (module.data_names, module.label_names)
        )
        module.forward(
            mx.io.DataBatch(data, label or None, pad=batch.rows - batch.real), is_train=False
        )

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Update the Module before any `epoch_end_callback`."""
        self.refresh(state.network)

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Update the Module."""
        self.refresh(state.network)

    def refresh(self, network: Network) -> None:
        """Copy the current parameters, and optimizer states if the Module is bound to train."""
        if not network.initialized or self.learner is None:
            return
        self._refresh_parameters(network)
        if self.module.for_training:
            self._refresh_optimizer()

    def _refresh_parameters(self, network: Network) -> None:
        module, learner = self.module, self.learner
        if not module.binded:
            module.params_initialized = False
            module._arg_params = module._aux_params = None
            if learner.name == "mxnet":
                data, labels = learner.module.data_shapes, learner.module.label_shapes
            else:
                data, labels = learner.bound_specs
            module.bind(data, labels or None, for_training=True)
        module.init_params(
            None,
            arg_params=to_ndarrays(network.parameters),
            aux_params=to_ndarrays(network.statistics),
            allow_extra=True,
            force_init=True,
        )
        self.written = dict(network.parameters), dict(network.statistics)
        if module.optimizer_initialized:
            restart_store(module)

    def _refresh_optimizer(self) -> None:
        self._start_optimizer()
        load_optimizer_state(self.module, *self.learner.optimizer_state())

    def _start_optimizer(self) -> None:
        module = self.module
        if not module.optimizer_initialized:
            optimizer, settings = self._recipe
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # rescale_grad: reported at the start
                module.init_optimizer("local", optimizer, tuple(settings.items()))
        self.rate = module._optimizer.lr


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
