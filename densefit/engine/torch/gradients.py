"""The gradients that backward passes leave in the parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from densefit.engine.graph.losses import shared_parameters
from densefit.engine.torch.tensors import to_array
from densefit.engine.training.head_gradients import HeadGradients
from densefit.engine.training.sample_count import SampleCount
from densefit.model.network import Network


class Gradients(SampleCount):
    """Gradients of the micro-batches computed since the last update.

    Args:
        symbol: the train graph.
        network: network that is trained.
        parameters: the trained parameters by name.
    """

    def __init__(
        self, symbol: Any, network: Network, parameters: Mapping[str, torch.Tensor]
    ) -> None:
        super().__init__(network)
        self._symbol, self._network, self._parameters = symbol, network, parameters

    def clear(self) -> None:
        """Forget all gradients."""
        for parameter in self._parameters.values():
            parameter.grad = None

    def fill(self) -> None:
        """Give parameters that no loss reached a gradient of 0, as in MXNet."""
        for parameter in self._parameters.values():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)

    def norm(self) -> float:
        """Norm of the mean loss's gradient over all parameters; waits for the backward pass.

        Not finite if any of the gradients is not.
        """
        gradients = [g for p in self._parameters.values() if (g := p.grad) is not None]
        if not gradients:
            return 0.0
        norms = torch.stack(torch._foreach_norm(gradients)).double()
        return math.sqrt(float(norms.square().sum())) * self.mean_factor()

    def not_finite(self) -> list[str]:
        """Names of the parameters whose gradient is nan or infinite."""
        return [
            name
            for name, parameter in self._parameters.items()
            if parameter.grad is not None and not parameter.grad.isfinite().all()
        ]

    def per_head(self) -> HeadGradients:
        """Collect the gradients of each head separately.

        Raises:
            ConfigError: the heads share no parameter that is trained.
        """
        shared = shared_parameters(self._symbol, self._network, list(self._parameters))
        return HeadGradients(
            {name: tuple(parameter.shape) for name, parameter in self._parameters.items()},
            shared,
            len(self._network.adapters),
            read=self._read,
            write=self._write,
        )

    def _read(self, name: str) -> np.ndarray:
        gradient = self._parameters[name].grad
        if gradient is None:
            return np.zeros(tuple(self._parameters[name].shape), np.float32)
        return to_array(gradient)

    def _write(self, name: str, value: np.ndarray) -> None:
        parameter = self._parameters[name]
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        parameter.grad.copy_(torch.as_tensor(value))
