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
from densefit.engine.training.parameter_store import BaseParameterStore
from densefit.model.network import Network


class ParameterStore(BaseParameterStore):
    """Own the parameters of a bound Module, and keep the network's copies up to date.

    Args:
        network: network whose parameters the Module was bound with.
        module: Module bound for training, with parameters.
        ema: averages the weights; the network then gets the averages.
        is_live: whether the Module is the user's, whose host copies are not changed.
    """

    def __init__(
        self, network: Network, module: Any, ema: EMA | None = None, is_live: bool = False
    ) -> None:
        self._module, self._is_live = module, is_live
        super().__init__(network, None if ema is None else Averages(ema, self.on_device()))

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

    def _replace(self) -> None:
        """Replace all parameters of the Module by the network's copies."""
        arrays = self._alias() or [to_ndarrays(part) for part in self._host]
        self._module.set_params(*arrays, allow_extra=True)
        if self._module.optimizer_initialized:
            restart_store(self._module)

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
        mx.nd.waitall()  # see `statistics`
        return {name: array.asnumpy() for name, array in self._statistic_arrays().items()}

    def set_statistic_values(self, values: Mapping[str, np.ndarray]) -> None:
        """Replace what `statistic_values` returned."""
        mx.nd.waitall()  # see `statistics`
        for name, array in self._statistic_arrays().items():
            array[:] = values[name]
        mx.nd.waitall()
        self.version += 1

    def mend_statistics(self) -> None:
        """Replace statistics that are not finite by the network's last values."""
        mx.nd.waitall()
        group = self._module._exec_group
        for name, replicas in zip(group.aux_names, group.aux_arrays):
            last = self._host[1].get(name)
            if last is not None and not np.isfinite(replicas[0].asnumpy()).all():
                for array in replicas:
                    array[:] = last
