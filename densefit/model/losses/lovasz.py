"""Lovasz-Softmax: a surrogate of the mean IoU."""

from __future__ import annotations

from typing import Any

from densefit.model.losses.class_cells import ClassCells
from densefit.model.losses.pixel_loss import PixelLoss, pixel_losses
from densefit.symbol import sym


@pixel_losses.register("lovasz")
class Lovasz(PixelLoss):
    """Lovasz-Softmax (Berman et al., CVPR 2018): the Lovasz extension of 1 - IoU of each class.

    The errors of a class over a sample's valid cells are sorted, and each is weighted by what it
    adds to 1 - IoU; the mean over the classes that the sample has, weighted by `class_weights`. In
    the paper it fine-tunes a network that cross-entropy has trained, or is added to it.
    """

    def __call__(self, cells: ClassCells) -> Any:
        """See `PixelLoss`."""
        truth, valid = (
            sym.reshape(x, shape=(-3, -3)) for x in (cells.truth, cells.all_valid)
        )  # (B C, h w)
        errors = sym.abs(truth - sym.reshape(cells.probability, shape=(-3, -3)))
        # Void cells have error 0; sorted behind all others, they weigh nothing either.
        keys = sym.BlockGrad(errors - (1 - valid))
        order = sym.argsort(keys, axis=1, is_ascend=False)
        row = sym.reshape(sym.contrib.arange_like(keys, axis=0), shape=(-1, 1))
        index = sym.BlockGrad(sym.stack(sym.broadcast_like(row, keys), order, axis=0))
        slope = sym.BlockGrad(_jaccard_slope(sym.gather_nd(sym.BlockGrad(truth), index)))
        losses = sym.sum(sym.gather_nd(errors, index) * slope, axis=1)
        return cells.mean_over_present(sym.reshape(losses, shape=(-1, cells.classes)))


def _jaccard_slope(truth: Any) -> Any:
    """What each cell adds to 1 - IoU (algorithm 1 of the paper).

    Args:
        truth: (rows, cells), 1 at cells of the class, by falling error.
    """
    count = sym.sum(truth, axis=1, keepdims=True)
    left = sym.broadcast_sub(count, sym.cumsum(truth, axis=1))
    union = sym.broadcast_add(count, sym.cumsum(1 - truth, axis=1))
    loss = 1 - left / union
    first = sym.slice_axis(loss, axis=1, begin=0, end=1)
    before = sym.concat(first * 0, sym.slice_axis(loss, axis=1, begin=0, end=-1), dim=1)
    return loss - before
