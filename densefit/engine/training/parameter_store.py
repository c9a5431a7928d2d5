"""Parameters in training as all engines keep them: lent by the network, checked, given back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.errors import CheckpointError, TrainingDiverged
from densefit.model.host_arrays import host_copies
from densefit.model.network import Network


class BaseParameterStore(ABC):
    """Keep the network's copies of a bound train graph's parameters up to date.

    Args:
        network: network whose parameters the graph was bound with.
        averages: moving averages of the weights, which the network then gets; None without.

    Attributes:
        version: version number of the parameters; it changes with them.
    """

    def __init__(self, network: Network, averages: Any) -> None:
        self._network, self.averages = network, averages
        self.version, self._copied = 1, 0
        self._host = network.lend(self.refresh)
        self.refresh()

    @property
    def are_averaged(self) -> bool:
        """Whether the network gets moving averages of the weights."""
        return self.averages is not None

    @abstractmethod
    def on_device(self) -> dict[str, Any]:
        """Arrays of the engine: parameters "arg:<name>" and statistics "aux:<name>"."""

    @abstractmethod
    def refresh(self) -> None:
        """Copy the current values into the network's dicts, if they have changed."""

    @abstractmethod
    def _replace(self) -> None:
        """Replace all parameters on the device by the network's copies."""

    def move_averages(self, count: int) -> None:
        """Update the averages after an update, before which there were `count`."""
        if self.averages is not None:
            self.averages.update(self.on_device(), count)

    def load(
        self, parameters: Mapping[str, Any], statistics: Mapping[str, Any], where: str
    ) -> None:
        """Replace all parameters of the train graph.

        Args:
            parameters: numpy arrays or an engine's arrays by name.
            statistics: likewise.
            where: path of the checkpoint.

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
        self._replace()
        if self.averages is not None:
            self.averages.load(self.on_device())
        self.version += 1

    def load_averages(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue from averages, by name as in `training_values`."""
        if self.averages is not None:
            self.averages.load(arrays)
        self.version += 1

    def check_finite(self) -> None:
        """Check that the current parameters are finite.

        Outputs do not show it: a ReLU turns nan into 0.

        Raises:
            TrainingDiverged: a parameter is nan or infinite.
        """
        self.refresh()
        check_finite({**self._host[0], **self._host[1]})

    def release(self) -> None:
        """Leave the network with its own parameters."""
        try:
            self.refresh()
        finally:
            self._network.take_back(self.refresh)

    def _statistic_arrays(self) -> dict[str, Any]:
        """The engine's arrays of the moving statistics, and of their averages."""
        averages = {} if self.averages is None else self.averages.arrays
        return {
            **{name: a for name, a in self.on_device().items() if name.startswith("aux:")},
            **{f"ema:{name}": a for name, a in averages.items() if name.startswith("aux:")},
        }


def check_loaded(present: Mapping[str, np.ndarray], loaded: Mapping[str, Any], where: str) -> None:
    """Raise CheckpointError if a loaded parameter is missing or has another shape.

    Args:
        present: values of the network.
        loaded: values of the checkpoint.
        where: path of the checkpoint.
    """
    for name, value in present.items():
        if name not in loaded or tuple(loaded[name].shape) != value.shape:
            raise CheckpointError(
                f"The checkpoint does not fit the network at parameter {name!r}",
                expected=value.shape,
                received=loaded[name].shape if name in loaded else "nothing",
                where=where,
                fix="is it a checkpoint of another recipe?",
            )


def check_finite(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise TrainingDiverged if a parameter is nan or infinite.

    Outputs do not show it: a ReLU turns nan into 0.
    """
    bad = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if bad:
        more = f", ... ({len(bad)} of {len(arrays)})" if len(bad) > 5 else ""
        raise TrainingDiverged(
            "Parameters are no longer finite",
            received=f"nan or infinity in {', '.join(bad[:5])}{more}",
            fix="lower the learning rate, or lengthen the warm-up; are all images and labels "
            "finite numbers? The last checkpoint is from before",
        )
