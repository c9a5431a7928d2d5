"""Parameters in training: read, replaced, averaged, checked, and written back to the network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from densefit.engine.ema import EMA
from densefit.engine.torch.averages import Averages
from densefit.engine.torch.tensors import to_array, to_arrays
from densefit.engine.training.parameter_store import BaseParameterStore
from densefit.model.network import Network


class ParameterStore(BaseParameterStore):
    """Own the parameters of a bound train graph, and keep the network's copies up to date.

    Args:
        network: network whose parameters the graph was bound with.
        parameters: all parameters by name, trained or not.
        statistics: BatchNorm's moving statistics by name.
        ema: averages the weights; the network then gets the averages.
    """

    def __init__(
        self,
        network: Network,
        parameters: Mapping[str, torch.Tensor],
        statistics: Mapping[str, torch.Tensor],
        ema: EMA | None = None,
    ) -> None:
        self._parameters, self._statistics = parameters, statistics
        self._tensors = {
            **{f"arg:{name}": tensor for name, tensor in parameters.items()},
            **{f"aux:{name}": tensor for name, tensor in statistics.items()},
        }
        super().__init__(network, None if ema is None else Averages(ema, self._tensors))

    def on_device(self) -> dict[str, torch.Tensor]:
        """Tensors: parameters "arg:<name>" and statistics "aux:<name>"."""
        return self._tensors

    def value(self, name: str) -> np.ndarray:
        """Read one parameter; waits until it is computed."""
        return to_array(self._parameters[name])

    def training_values(self) -> dict[str, np.ndarray]:
        """Copy the weights in training (not their averages)."""
        return to_arrays(self._tensors)

    def refresh(self) -> None:
        """Copy the current values into the network's dicts, if they have changed."""
        if self._copied == self.version:
            return
        current = self._tensors if self.averages is None else self.averages.arrays
        # The network may have parameters of other graphs, too.
        host_arrays = dict(zip(("arg", "aux"), self._host))
        for key, tensor in current.items():
            kind, _, name = key.partition(":")
            host_arrays[kind][name] = to_array(tensor)
            host_arrays[kind][name].setflags(write=False)
        self._copied = self.version

    @torch.no_grad()
    def _replace(self) -> None:
        """Replace all parameters on the device by the network's copies."""
        for host_arrays, tensors in zip(self._host, (self._parameters, self._statistics)):
            for name, tensor in tensors.items():
                tensor.copy_(torch.tensor(host_arrays[name]))

    def statistics(self) -> dict[str, torch.Tensor]:
        """Copy BatchNorm's moving statistics, which each pass changes."""
        return {name: tensor.clone() for name, tensor in self._statistics.items()}

    def set_statistics(self, copies: Mapping[str, torch.Tensor]) -> None:
        """Restore what `statistics` returned, or some of it."""
        for name, copy in copies.items():
            self._statistics[name].copy_(copy)

    def statistic_values(self) -> dict[str, np.ndarray]:
        """Copy the moving statistics, and their averages, to the host, by name."""
        return to_arrays(self._statistic_arrays())

    @torch.no_grad()
    def set_statistic_values(self, values: Mapping[str, np.ndarray]) -> None:
        """Replace what `statistic_values` returned."""
        for name, tensor in self._statistic_arrays().items():
            tensor.copy_(torch.as_tensor(values[name]))
        self.version += 1

    def mend_statistics(self) -> None:
        """Replace statistics that are not finite by the network's last values."""
        for name, tensor in self._statistics.items():
            last = self._host[1].get(name)
            if last is not None and not tensor.isfinite().all():
                tensor.copy_(torch.tensor(last))
