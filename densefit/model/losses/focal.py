"""Focal loss of class maps."""

from __future__ import annotations

from typing import Any

from densefit.model.losses.class_cells import ClassCells
from densefit.model.losses.pixel_loss import PixelLoss, pixel_losses
from densefit.numeric import real
from densefit.symbol import sym

_LEAST = 1e-6  # of 1 - p, whose power has no slope at 0


@pixel_losses.register("focal")
class Focal(PixelLoss):
    """Focal loss (Lin et al., ICCV 2017) over the softmax: cells that are right weigh little.

    The weighted mean of -(1 - p)**gamma ln p over the valid cells; p is the probability of the true
    class. The paper's alpha is the head's `class_weights`.

    Args:
        gamma: exponent; 0 is cross-entropy.
    """

    def __init__(self, gamma: float = 2.0) -> None:
        self.gamma = real(gamma, "gamma", least=0.0)

    def __call__(self, cells: ClassCells) -> Any:
        """See `PixelLoss`."""
        loss = cells.entropy
        if self.gamma:
            wrong = sym.maximum(1 - sym.exp(-loss), _LEAST)
            loss = loss * wrong**self.gamma
        return sym.sum(loss * cells.weight, axis=(1, 2))
