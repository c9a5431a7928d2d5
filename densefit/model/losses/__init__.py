"""Losses of class maps, by name, and of boxes; importing this package registers the former."""

from densefit.model.losses import boundary, cross_entropy, focal, lovasz, overlap
from densefit.model.losses.class_cells import ClassCells
from densefit.model.losses.pixel_loss import PixelLoss, pixel_losses
from densefit.model.losses.selection import WeightedLoss, make_losses

__all__ = [
    "ClassCells",
    "PixelLoss",
    "WeightedLoss",
    "boundary",
    "cross_entropy",
    "focal",
    "lovasz",
    "make_losses",
    "overlap",
    "pixel_losses",
]
