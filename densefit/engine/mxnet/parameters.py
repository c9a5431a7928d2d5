"""Parameters in training: read, replaced, averaged, checked, and written back to the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.ema import EMA
from densefit.engine.mxnet.averages import Averages
from densefit.engine.mxnet.ndarrays import to_ndarrays
from densefit.engine.mxnet.optimizers.resume import restart_store
from densefit.engine.parameter_values import check_finite, check_loaded
from densefit.model.host_arrays import host_copies
from densefit.model.network import Network


class ParameterStore:
    """Own the parameters of a bound Module, and keep the network's copies up to date.

    Args:
        network: network whose parameters the Module was bound with.
        module: Module bound for training, with parameters.
        ema: averages the weights; the network then gets the averages.
        is_live: whether the Module is the user's, whose host copies are not changed.

    Attributes:
        version: version number of the parameters; it changes with them.
    """

    def __init__(
        self, network: Network, module: Any, ema: EMA | None = None, is_live: bool = False
    ) -> None:
        self._network, self._module, self._is_live = network, module, is_live
        self.averages = None if ema is None else Averages(ema, self.on_device())
        self.version, self._copied = 1, 0
        self._host = network.lend(self.refresh)
        self.refresh()

    @property
    def are_averaged(self) -> bool:
        """Whether the network gets moving averages of the weights."""
        return self.averages is not None

    def on_device(self) -> dict[str, Any]:
        """NDArrays of the first device: parameters "arg:<name>" and statistics "aux:<name>"."""
        group = self._module._exec_group
        return {
            **{f"arg:{n}": arrays[0] for n, arrays in zip(group.param_names, group.param_arrays)},
            **{f"aux:{n}": arrays[0] for n, arrays in zip(group.aux_names, group.aux_arrays)},
        }

    def value(self, name: str) -> np.ndarray:
        """Read one parameter; waits until it is computed."""
        array: np.ndarray = self.on_device()[f"arg:{name}"].asnumpy()
        return array

    def training_values(self) -> dict[str, np.ndarray]:
        """Copy the weights in training (not their averages)."""
        mx.nd.waitall()  # see `refresh`
        return {name: array.asnumpy() for name, array in self.on_device().items()}

    def move_averages(self, count: int) -> None:
        """Update the averages after an update, before which there were `count`."""
        if self.averages is not None:
            self.averages.update(self.on_device(), count)

    def load(
        self, parameters: Mapping[str, Any], statistics: Mapping[str, Any], where: str
    ) -> None:
        """Replace all parameters of the train graph by numpy arrays or NDArrays.

        Raises:
            CheckpointError: a parameter is missing or has another shape.
        """
        self.refresh()
        for host_arrays, loaded in zip(self._host, (parameters, statistics)):
            check_loaded(host_arrays, loaded, where)
        for host_arrays, loaded in zip(self._host, (parameters, statistics)):
            copies = host_copies(loaded)
            host_arrays.clear()
            host_arrays.update(copies)
        arrays = self._alias() or [to_ndarrays(part) for part in self._host]
        self._module.set_params(*arrays, allow_extra=True)
        if self._module.optimizer_initialized:
            restart_store(self._module)
        if self.averages is not None:
            self.averages.load(self.on_device())
        self.version += 1

    def load_averages(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue from averages, by name as in `training_values`."""
        if self.averages is not None:
            self.averages.load(arrays)
        self.version += 1

    def refresh(self) -> None:
        """Copy the current values into the network's dicts, if they have changed."""
        if self._copied == self.version:
            return
        # BatchNorm's backward pass writes the moving statistics unknown to MXNet's engine: reading
        # them does not wait for it, only `waitall` does.
        mx.nd.waitall()
        if self.averages is not None:
            current = self.averages.arrays
        elif len(self._module._context) == 1:
            current = self.on_device()  # Module would make three further copies on the way
        else:
            self._module._params_dirty = True  # or get_params returns what it gave the last time
            parameters, statistics = self._module.get_params()
            current = {f"arg:{name}": array for name, array in parameters.items()}
            current.update({f"aux:{name}": array for name, array in statistics.items()})
        # The network may have parameters of other graphs, too. One by one, so that there are never
        # two copies of all parameters.
        self._alias(empty=True)
        host_arrays = dict(zip(("arg", "aux"), self._host))
        for key, array in current.items():
            kind, _, name = key.partition(":")
            host_arrays[kind][name] = array.asnumpy()
            host_arrays[kind][name].setflags(write=False)
        self._copied = self.version
        self._alias()

    def _alias(self, empty: bool = False) -> list[dict[str, Any]] | None:
        """Alias the Module's host copies to the network's arrays, to save a copy of all.

        Returns the aliased arrays; None if the Module needs separate copies, to average devices
        into. `empty` leaves the Module without copies.
        """
        module = self._module
        if len(module._context) > 1 or self.averages is not None or self._is_live:
            return None
        group = module._exec_group
        names = ([], []) if empty else (group.param_names, group.aux_names)
        module._arg_params, module._aux_params = arrays = [
            to_ndarrays({name: host_arrays[name] for name in part_names})
            for part_names, host_arrays in zip(names, self._host)
        ]
        return arrays

    def check_finite(self) -> None:
        """Check that the current parameters are finite.

        Outputs do not show it: a ReLU turns nan into 0.

        Raises:
            TrainingDiverged: a parameter is nan or infinite.
        """
        self.refresh()
        check_finite({**self._host[0], **self._host[1]})

    def statistics(self) -> list[list[Any]]:
        """Copy BatchNorm's moving statistics on each device, which each pass changes."""
        mx.nd.waitall()  # BatchNorm's backward writes them without MXNet's engine knowing
        return [
            [array.copy() for array in replicas] for replicas in self._module._exec_group.aux_arrays
        ]

    def set_statistics(self, copies: list[list[Any]]) -> None:
        """Restore what `statistics` returned."""
        mx.nd.waitall()
        for replicas, saved in zip(self._module._exec_group.aux_arrays, copies):
            for array, copy in zip(replicas, saved):
                copy.copyto(array)

    def statistic_values(self) -> dict[str, np.ndarray]:
        """Copy the moving statistics, and their averages, to the host, by name."""
        return {name: array.asnumpy() for name, array in self._statistic_arrays().items()}

    def set_statistic_values(self, values: Mapping[str, np.ndarray]) -> None:
        """Replace what `statistic_values` returned."""
        for name, array in self._statistic_arrays().items():
            array[:] = values[name]
        mx.nd.waitall()
        self.version += 1

    def _statistic_arrays(self) -> dict[str, Any]:
        """NDArrays of the moving statistics on the first device, and of their averages."""
        mx.nd.waitall()  # see `statistics`
        averages = {} if self.averages is None else self.averages.arrays
        return {
            **{name: a for name, a in self.on_device().items() if name.startswith("aux:")},
            **{f"ema:{name}": a for name, a in averages.items() if name.startswith("aux:")},
        }

    def mend_statistics(self) -> None:
        """Replace statistics that are not finite by the network's last values."""
        mx.nd.waitall()
        group = self._module._exec_group
        for name, replicas in zip(group.aux_names, group.aux_arrays):
            last = self._host[1].get(name)
            if last is not None and not np.isfinite(replicas[0].asnumpy()).all():
                for array in replicas:
                    array[:] = last

    def release(self) -> None:
        """Leave the network with its own parameters."""
        try:
            self.refresh()
        finally:
            self._network.take_back(self.refresh)
