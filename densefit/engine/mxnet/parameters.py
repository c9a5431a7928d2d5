"""The parameters in training: read, replaced, averaged, looked at, and given back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.ema import Averages
from densefit.engine.mxnet.gradients import copy_statistics, put_statistics
from densefit.engine.mxnet.optimizer import load_optimizer_state, optimizer_state, restart_store
from densefit.errors import CheckpointError, TrainingDiverged
from densefit.model.network import Network


class Held:
    """What a bound Module holds of a network: parameters, moving statistics, optimizer states.

    Args:
        network: whose parameters are read at the start and written back by `pull`.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._train: Any = None  # the bound Module
        self._live = False  # whether it is the user's
        self._optimizer: Any = None
        self._averages: Averages | None = None
        self._version = 0  # of the parameters in the Module
        self._pulled = 0  # version of those in the network

    def statistics(self) -> list[list[Any]]:
        """Copies of BatchNorm's moving statistics, which a forward and backward change."""
        return copy_statistics(self._train)

    def set_statistics(self, kept: list[list[Any]]) -> None:
        """Go back to what `statistics` gave."""
        put_statistics(self._train, kept)

    def mend_statistics(self) -> None:
        """Give moving statistics that are not finite the values that the network had last."""
        group = self._train._exec_group
        mx.nd.waitall()
        for name, replicas in zip(group.aux_names, group.aux_arrays):
            known = self.network.aux_params.get(name)
            if known is not None and not np.isfinite(replicas[0].asnumpy()).all():
                for one in replicas:
                    known.copyto(one)

    def trained_value(self, name: str) -> np.ndarray:
        """A parameter in training. Waits for it."""
        value: np.ndarray = self._trained()[f"arg:{name}"].asnumpy()
        return value

    def _trained(self) -> dict[str, Any]:
        """What is on the first device, parameters "arg:<name>" and statistics "aux:<name>"."""
        group = self._train._exec_group
        return {
            **{f"arg:{n}": arrays[0] for n, arrays in zip(group.param_names, group.param_arrays)},
            **{f"aux:{n}": arrays[0] for n, arrays in zip(group.aux_names, group.aux_arrays)},
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
        self.network.take_params(arg_params, aux_params)
        self._share()
        self._train.set_params(self.network.arg_params, self.network.aux_params, allow_extra=True)
        if self._optimizer is not None:
            restart_store(self._train)
        if self._averages is not None:
            self._averages.load(self._trained())
        self._version += 1

    @property
    def averaged(self) -> bool:
        """Whether the network is given averages of the weights."""
        return self._averages is not None

    def training_params(self) -> dict[str, np.ndarray]:
        """The weights in training themselves, "arg:<name>" and "aux:<name>"."""
        mx.nd.waitall()  # see `pull`
        return {name: array.asnumpy() for name, array in self._trained().items()}

    def load_averages(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue from averages, called as in `training_params`."""
        if self._averages is not None:
            self._averages.load(arrays)
        self._version += 1

    def pull(self) -> None:
        """Write copies of the current parameters back to the network."""
        if self._train is None or self._pulled == self._version:
            return
        # BatchNorm's backward writes the moving statistics without MXNet's engine knowing: whoever
        # reads them does not wait for it, unless everything is waited for.
        mx.nd.waitall()
        if self._averages is not None:
            found = self._averages.arrays
        elif len(self._train._context) == 1:
            found = self._trained()  # Module would make three further copies on the way
        else:
            self._train._params_dirty = True  # or get_params returns what it gave the last time
            arguments, auxiliary = self._train.get_params()
            found = {f"arg:{name}": array for name, array in arguments.items()}
            found.update({f"aux:{name}": array for name, array in auxiliary.items()})
        # The network may have parameters of other graphs too. One after the other, so that there
        # are never two copies of all.
        self._share(none=True)
        own = {"arg": self.network.arg_params, "aux": self.network.aux_params}
        for key, array in found.items():
            kind, _, name = key.partition(":")
            own[kind][name] = array.copyto(mx.cpu())
            own[kind][name].wait_to_read()
        self._pulled = self._version
        self._share()

    def _share(self, none: bool = False) -> None:
        """Let the Module have the network's arrays as its own copies, for which it has no use.

        On several devices it averages into them, and the network's are nobody else's.

        Args:
            none: let it have no copies for now.
        """
        module, network = self._train, self.network
        if len(module._context) > 1 or self._averages is not None or self._live:
            return
        group = module._exec_group
        for own, names, known in (
            ("_arg_params", group.param_names, network.arg_params),
            ("_aux_params", group.aux_names, network.aux_params),
        ):
            setattr(module, own, {name: known[name] for name in ([] if none else names)})

    def check_finite(self) -> None:
        """Whether training can go on from the current parameters.

        Outputs alone do not tell: a ReLU turns nan into 0.

        Raises:
            TrainingDiverged: a parameter is nan or infinite.
        """
        self.pull()
        known = {**self.network.arg_params, **self.network.aux_params}
        bad = [name for name, array in known.items() if not np.isfinite(array.asnumpy()).all()]
        if bad:
            more = f", ... ({len(bad)} of {len(known)})" if len(bad) > 5 else ""
            raise TrainingDiverged(
                "Parameters are no longer finite",
                received=f"nan or infinity in {', '.join(bad[:5])}{more}",
                fix="lower the learning rate, or lengthen the warm-up; are all images and labels "
                "finite numbers? The last checkpoint is from before",
            )

    def release(self) -> None:
        """Leave the network with its own parameters."""
        try:
            self.pull()
        finally:
            if self.network._pull == self.pull:
                self.network._pull = None

    def optimizer_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, counters) of the optimizer, by parameter name."""
        return optimizer_state(self._train)

    def load_optimizer_state(
        self,
        arrays: Mapping[str, np.ndarray],
        counters: Mapping[str, Any],
        is_other: bool = False,
    ) -> str:
        """Continue from what `optimizer_state` gave; returns what is to be told if that cannot be.

        Args:
            arrays: its states.
            counters: its counts.
            is_other: whether its settings are others than they were, or may be.

        Raises:
            CheckpointError: it is of other parameters, or damaged.
        """
        return load_optimizer_state(self._train, arrays, counters, is_other)
