"""Boundary loss: probabilities weighted by their distance from the class's boundary."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from densefit.model.heads.head import Label
from densefit.model.losses.class_cells import ClassCells
from densefit.model.losses.pixel_loss import PixelLoss, pixel_losses
from densefit.symbol import sym


@pixel_losses.register("boundary")
class Boundary(PixelLoss):
    """Boundary loss (Kervadec et al., MIDL 2019): far errors cost more than near ones.

    The mean over classes and valid cells of a probability times the cell's signed distance from the
    class's true boundary, in cells; classes that the sample lacks have distance 0. It may be
    negative, and alone it learns poorly: the paper adds 0.01 of it to Dice, and raises the factor.
    Each sample carries a map of distances for each class.
    """

    def __call__(self, cells: ClassCells) -> Any:
        """See `PixelLoss`."""
        distance = cells.labels["distance"]
        mean = sym.mean(sym.exp(cells.log_probability) * distance, axis=1)
        return sym.sum(mean * cells.weight, axis=(1, 2))

    def labels(self, size: tuple[int, int], classes: int) -> list[Label]:
        """`distance` (C, h, w): see `signed_distance`."""
        return [Label("distance", (classes, *size))]

    def encode(self, mask: np.ndarray, classes: int) -> dict[str, np.ndarray]:
        """Encode the distances."""
        return {"distance": np.stack([signed_distance(mask == k) for k in range(classes)])}


def signed_distance(region: np.ndarray) -> np.ndarray:
    """(h, w) float32 distance of each cell from a region's boundary, in cells.

    Outside: the distance of the nearest cell of the region. Inside: 1 minus the distance of the
    nearest cell outside, 0 or less. 0 everywhere if there is no boundary.

    Args:
        region: (h, w) bool.
    """
    if region.all() or not region.any():
        return np.zeros(region.shape, np.float32)
    pixels = region.astype(np.uint8)
    outside, inside = (
        cv2.distanceTransform(side, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for side in (1 - pixels, pixels)
    )
    return np.where(region, 1 - inside, outside).astype(np.float32)
