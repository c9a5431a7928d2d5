"""Parameters and statistics of a network, and their loan to an engine that trains them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from densefit.errors import BindError, ConfigError
from densefit.model.host_arrays import deprecated_ndarrays, host_copies


class NetworkParameters:
    """The part of `Network` that has its parameters: numpy arrays by name, which nothing modifies.

    An engine that trains them borrows the dicts by `lend`, and writes the current values before
    each read.
    """

    def __init__(self) -> None:
        self._parameters: dict[str, np.ndarray] = {}
        self._statistics: dict[str, np.ndarray] = {}
        self._refresh: Callable[[], None] | None = None  # set by an engine during training

    @property
    def initialized(self) -> bool:
        """Return whether the network has parameters."""
        return bool(self._parameters)

    def check_initialized(self) -> None:
        """Raise BindError if the network has no parameters yet."""
        if self._refresh is not None:
            self._refresh()
        if not self.initialized:
            raise BindError(
                "The network has no parameters yet",
                fix="train it with fit, or give it some with set_params or load",
            )

    @property
    def parameters(self) -> Mapping[str, np.ndarray]:
        """Return the trained parameters by name, always up to date; the arrays are read-only.

        Empty before a training or `set_params`. Training replaces arrays, and never modifies one.
        """
        if self._refresh is not None:
            self._refresh()
        return MappingProxyType(self._parameters)

    @property
    def statistics(self) -> Mapping[str, np.ndarray]:
        """Return BatchNorm's moving statistics by name, like `parameters`."""
        if self._refresh is not None:
            self._refresh()
        return MappingProxyType(self._statistics)

    @property
    def value_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter and statistic that has a value; reads no device."""
        return {n: v.shape for n, v in [*self._parameters.items(), *self._statistics.items()]}

    def set_params(
        self, parameters: Mapping[str, Any], statistics: Mapping[str, Any] | None = None
    ) -> None:
        """Replace all parameters by copies of the given ones.

        `fit` initialises missing parameters; `score` raises an error.

        Args:
            parameters: name -> numpy array or NDArray.
            statistics: BatchNorm's moving statistics, likewise.

        Raises:
            ConfigError: the network is in training: the next update would overwrite the values.
        """
        if self._refresh is not None:
            raise ConfigError(
                "Parameters cannot be set while the network is being trained",
                fix="set them before fit, or end the training first",
            )
        self._parameters = host_copies(parameters)
        self._statistics = host_copies(statistics or {})

    def lend(
        self, refresh: Callable[[], None]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Hand the parameters to an engine that trains them, until `take_back`.

        Args:
            refresh: writes the current values into the dicts; called before each read.

        Returns:
            (parameters, statistics); the engine replaces entries, and modifies no array.
        """
        self._refresh = refresh
        return self._parameters, self._statistics

    def take_back(self, refresh: Callable[[], None]) -> None:
        """End the loan that `lend` started with the same function, not another engine's."""
        if self._refresh == refresh:
            self._refresh = None

    @property
    def arg_params(self) -> dict[str, Any]:
        """Deprecated: `parameters`, or NDArrays by `df.interop.arg_params(network)`."""
        return deprecated_ndarrays(self, "arg_params", "parameters")

    @property
    def aux_params(self) -> dict[str, Any]:
        """Deprecated: `statistics`, or NDArrays by `df.interop.aux_params(network)`."""
        return deprecated_ndarrays(self, "aux_params", "statistics")

    def get_params(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Deprecated: `parameters` and `statistics`, or NDArrays by `df.interop`.

        Raises:
            BindError: the network has no parameters yet.
        """
        self.check_initialized()
        return (
            deprecated_ndarrays(self, "arg_params", "parameters", "get_params()"),
            deprecated_ndarrays(self, "aux_params", "statistics", ""),
        )
