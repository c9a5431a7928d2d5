"""Cross-entropy of class maps: label smoothing, and the hardest cells alone."""

from __future__ import annotations

import math
from typing import Any

from densefit.model.losses.class_cells import ClassCells
from densefit.model.losses.pixel_loss import PixelLoss, pixel_losses
from densefit.numeric import real
from densefit.symbol import sym


@pixel_losses.register("cross_entropy")
class CrossEntropy(PixelLoss):
    """Cross-entropy, a weighted mean over the valid cells of a sample.

    With `ohem` the mean is over hard cells alone (online hard example mining, Shrivastava et al.,
    CVPR 2016; for class maps as in Yu et al., "BiSeNet", ECCV 2018): those whose true class has a
    probability of at most `ohem`, and at least `ohem_share` of the valid cells.

    Args:
        label_smoothing: share of the target that is spread evenly over all classes (Szegedy et al.,
            CVPR 2016); where classes are not annotated, over the ones that compete.
        ohem: probability of the true class above which a cell is easy, such as 0.7; None: all cells
            are trained.
        ohem_share: share of the valid cells that are trained at least.
    """

    def __init__(
        self, label_smoothing: float = 0.0, ohem: float | None = None, ohem_share: float = 1 / 16
    ) -> None:
        self.label_smoothing = real(label_smoothing, "label_smoothing", least=0.0, below=1.0)
        self.ohem = None if ohem is None else real(ohem, "ohem", above=0.0, most=1.0)
        self.ohem_share = real(ohem_share, "ohem_share", above=0.0, most=1.0)

    def __call__(self, cells: ClassCells) -> Any:
        """See `PixelLoss`."""
        loss = cells.entropy
        if self.label_smoothing:
            smoothed = self.label_smoothing * _mean_entropy(cells)
            loss = (1 - self.label_smoothing) * loss + smoothed
        weight = cells.weight
        if self.ohem is None:
            return sym.sum(loss * weight, axis=(1, 2))
        weight = sym.BlockGrad(weight * self._hard(cells))
        total = sym.sum(weight, axis=(1, 2))
        return sym.sum(loss * weight, axis=(1, 2)) / (total + (total == 0))

    def _hard(self, cells: ClassCells) -> Any:
        """(B, h, w): 1 at hard cells."""
        # By the cross-entropy: probabilities of hopeless cells are all 0.
        hardness = sym.BlockGrad((cells.entropy + 1) * cells.valid)  # 0 where void
        flat = sym.reshape(hardness, shape=(0, -1))
        descending = sym.sort(flat, axis=1, is_ascend=False)
        count = sym.ceil(sym.sum(cells.valid, axis=(1, 2)) * self.ohem_share)
        last = sym.pick(descending, sym.maximum(count - 1, 0), axis=1)
        limit = sym.minimum(last, 1 - math.log(self.ohem or 1.0))
        return sym.broadcast_greater_equal(hardness, sym.reshape(limit, shape=(-1, 1, 1)))


def _mean_entropy(cells: ClassCells) -> Any:
    """(B, h, w) mean of the cross-entropies of all classes that compete at a cell."""
    if cells.competing is None:
        return -sym.mean(cells.log_probability, axis=1)
    total = sym.sum(cells.log_probability * cells.competing, axis=1)
    return -total / sym.sum(cells.competing, axis=1)
