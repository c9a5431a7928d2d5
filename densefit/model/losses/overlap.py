"""Dice and Tversky losses: overlaps of each class's probabilities with its cells."""

from __future__ import annotations

from typing import Any

from densefit.errors import ConfigError
from densefit.model.losses.class_cells import ClassCells
from densefit.model.losses.pixel_loss import PixelLoss, pixel_losses
from densefit.numeric import real
from densefit.symbol import sym

_LEAST = 1e-7


@pixel_losses.register("tversky")
class Tversky(PixelLoss):
    """Tversky loss (Salehi et al., MLMI 2017): Dice with different prices of its errors.

    1 - TP / (TP + alpha FP + beta FN) of each class, from sums of probabilities over a sample's
    valid cells; the mean over the classes that the sample has, weighted by `class_weights`.

    Args:
        alpha: price of probability at cells of other classes.
        beta: price of missing probability at the class's cells; above alpha for recall.
        smooth: cells that are added to numerator and denominator.
    """

    def __init__(self, alpha: float = 0.3, beta: float = 0.7, smooth: float = 0.0) -> None:
        self.alpha = real(alpha, "alpha", least=0.0)
        self.beta = real(beta, "beta", least=0.0)
        self.smooth = real(smooth, "smooth", least=0.0)
        if not self.alpha + self.beta:
            raise ConfigError(
                "Without a price of errors nothing is learned",
                expected="alpha or beta above 0",
                received=f"alpha={alpha}, beta={beta}",
            )

    def __call__(self, cells: ClassCells) -> Any:
        """See `PixelLoss`."""
        shared = sym.sum(cells.probability * cells.truth, axis=(2, 3))
        excess = sym.sum(cells.probability, axis=(2, 3)) - shared
        missing = sym.sum(cells.truth, axis=(2, 3)) - shared
        whole = shared + self.alpha * excess + self.beta * missing + self.smooth
        return cells.mean_over_present(1 - (shared + self.smooth) / sym.maximum(whole, _LEAST))


@pixel_losses.register("dice")
class Dice(Tversky):
    """Dice loss (Milletari et al., "V-Net", 3DV 2016): 1 - 2 TP / (2 TP + FP + FN).

    From sums of probabilities (not of their squares) over a sample's valid cells; the mean over the
    classes that the sample has, weighted by `class_weights`. Small classes count as large ones do.

    Args:
        smooth: cells that are added to numerator and denominator.
    """

    def __init__(self, smooth: float = 0.0) -> None:
        super().__init__(0.5, 0.5, smooth)
