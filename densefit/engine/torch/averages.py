"""Moving averages of the weights on their device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from densefit.engine.ema import EMA


class Averages:
    """Averages of tensors by name, starting as copies.

    Args:
        ema: decay of the averages.
        tensors: name -> tensor to average.
    """

    def __init__(self, ema: EMA, tensors: Mapping[str, torch.Tensor]) -> None:
        self._ema = ema
        self.arrays = {name: tensor.detach().clone() for name, tensor in tensors.items()}

    @torch.no_grad()
    def update(self, tensors: Mapping[str, torch.Tensor], t: int) -> None:
        """Move towards the weights after update `t` (from 0)."""
        weights = [tensors[name] for name in self.arrays]
        torch._foreach_lerp_(list(self.arrays.values()), weights, 1.0 - self._ema.rate(t))

    @torch.no_grad()
    def load(self, arrays: Mapping[str, Any]) -> None:
        """Replace the averages by numpy arrays or tensors of the same names."""
        for name, average in self.arrays.items():
            average.copy_(torch.as_tensor(arrays[name]))
