"""Parameters in training: read, replaced, averaged, checked, and written back to the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from densefit.engine.ema import EMA
from densefit.engine.parameter_values import check_finite, check_loaded
from densefit.engine.torch.averages import Averages
from densefit.engine.torch.tensors import to_array, to_arrays
from densefit.model.host_arrays import host_copies
from densefit.model.network import Network


class ParameterStore:
    """Own the parameters of a bound train graph, and keep the network's copies up to date.

    Args:
        network: network whose parameters the graph was bound with.
        parameters: all parameters by name, trained or not.
        statistics: BatchNorm's moving statistics by name.
        ema: averages the weights; the network then gets the averages.

    Attributes:
        version: version number of the parameters; it changes with them.
    """

    def __init__(
        self,
        network: Network,
        parameters: Mapping[str, torch.Tensor],
        statistics: Mapping[str, torch.Tensor],
        ema: EMA | None = None,
    ) -> None:
        self._network, self._parameters, self._statistics = network, parameters, statistics
        self._tensors = {
            **{f"arg:{name}": tensor for name, tensor in parameters.items()},
            **{f"aux:{name}": tensor for name, tensor in statistics.items()},
        }
        self.averages = None if ema is None else Averages(ema, self._tensors)
        self.version, self._copied = 1, 0
        self._host = network.lend(self.refresh)
        self.refresh()

    @property
    def are_averaged(self) -> bool:
        """Whether the network gets moving averages of the weights."""
        return self.averages is not None

    def value(self, name: str) -> np.ndarray:
        """Read one parameter; waits until it is computed."""
        return to_array(self._parameters[name])

    def training_values(self) -> dict[str, np.ndarray]:
        """Copy the weights in training (not their averages)."""
        return to_arrays(self._tensors)

    def move_averages(self, count: int) -> None:
        """Update the averages after an update, before which there were `count`."""
        if self.averages is not None:
            self.averages.update(self._tensors, count)

    @torch.no_grad()
    def load(
        self, parameters: Mapping[str, Any], statistics: Mapping[str, Any], where: str
    ) -> None:
        """Replace all parameters of the train graph.

        Raises:
            CheckpointError: a parameter is missing or has another shape.
        """
        self.refresh()
        for host_arrays, loaded in zip(self._host, (parameters, statistics)):
            check_loaded(host_arrays, loaded, where)
        for host_arrays, loaded, tensors in zip(
            self._host, (parameters, statistics), (self._parameters, self._statistics)
        ):
            copies = host_copies(loaded)
            host_arrays.clear()
            host_arrays.update(copies)
            for name, tensor in tensors.items():
                tensor.copy_(torch.tensor(copies[name]))
        if self.averages is not None:
            self.averages.load(self._tensors)
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
        current = self._tensors if self.averages is None else self.averages.tensors
        # The network may have parameters of other graphs, too.
        host_arrays = dict(zip(("arg", "aux"), self._host))
        for key, tensor in current.items():
            kind, _, name = key.partition(":")
            host_arrays[kind][name] = to_array(tensor)
            host_arrays[kind][name].setflags(write=False)
        self._copied = self.version

    def check_finite(self) -> None:
        """Raise TrainingDiverged if a current parameter is nan or infinite."""
        self.refresh()
        check_finite({**self._host[0], **self._host[1]})

    def statistics(self) -> dict[str, torch.Tensor]:
        """Copy BatchNorm's moving statistics, which each pass changes."""
        return {name: tensor.clone() for name, tensor in self._statistics.items()}

    def set_statistics(self, copies: Mapping[str, torch.Tensor]) -> None:
        """Restore what `statistics` returned, or some of it."""
        for name, copy in copies.items():
            self._statistics[name].copy_(copy)

    def statistic_values(self) -> dict[str, np.ndarray]:
        """Copy the moving statistics, and their averages, to the host, by name."""
        return to_arrays(self._statistic_tensors())

    @torch.no_grad()
    def set_statistic_values(self, values: Mapping[str, np.ndarray]) -> None:
        """Replace what `statistic_values` returned."""
        for name, tensor in self._statistic_tensors().items():
            tensor.copy_(torch.as_tensor(values[name]))
        self.version += 1

    def _statistic_tensors(self) -> dict[str, torch.Tensor]:
        averages = {} if self.averages is None else self.averages.tensors
        return {
            **{name: t for name, t in self._tensors.items() if name.startswith("aux:")},
            **{f"ema:{name}": t for name, t in averages.items() if name.startswith("aux:")},
        }

    def mend_statistics(self) -> None:
        """Replace statistics that are not finite by the network's last values."""
        for name, tensor in self._statistics.items():
            last = self._host[1].get(name)
            if last is not None and not tensor.isfinite().all():
                tensor.copy_(torch.tensor(last))

    def release(self) -> None:
        """Leave the network with its own parameters."""
        try:
            self.refresh()
        finally:
            self._network.take_back(self.refresh)
