"""What callbacks change in a Module that is not trained in place."""

from __future__ import annotations

import logging

import numpy as np

from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.interop.module.mirror import Mirror
from densefit.model.network import Network
from densefit.once import warn_once

_log = logging.getLogger("densefit")


class Changes(Callback):
    """Train on with what callbacks have changed in the Module that a `Mirror` updates.

    Args:
        mirror: the mirror; this callback comes after all others.
    """

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Read the Module after each `batch_end_callback`, if they may change it."""
        if self._mirror.is_read:
            self._read(state.network)

    def validated(self, state: TrainState, control: Control) -> None:
        """Read the Module after each `eval_end_callback`."""
        self._read(state.network)

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Read the Module after each `epoch_end_callback`."""
        self._read(state.network)

    def _read(self, network: Network) -> None:
        mirror, module, learner = self._mirror, self._mirror.module, self._mirror.learner
        if mirror.rate is not None and module._optimizer.lr != mirror.rate:
            optimizer = learner.updater.optimizer
            # PyTorch's follows the user's optimizer that it was made from.
            followed = getattr(optimizer, "source", None) or optimizer
            followed.lr = mirror.rate = module._optimizer.lr
        module._sync_params_from_devices()
        present = module._arg_params, module._aux_params
        values = [
            {name: array.asnumpy() for name, array in arrays.items() if name in written}
            for arrays, written in zip(present, mirror.written)
        ]
        if all(
            np.array_equal(value, written[name], equal_nan=True)
            for arrays, written in zip(values, mirror.written)
            for name, value in arrays.items()
        ):
            return
        if learner.parameters.are_averaged:
            warn_once(
                _log,
                "A callback has changed the Module's parameters, which are averages (ema): the "
                "training goes on with its own",
            )
            return
        learner.parameters.load(*values, where="the Module that a callback has changed")
        mirror.written = dict(network.parameters), dict(network.statistics)
