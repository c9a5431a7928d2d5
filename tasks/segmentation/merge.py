"""Class probabilities of several views, averaged on the device into one mask."""

from __future__ import annotations

import numpy as np

from densefit.engine.map_averaging import MapMerger


class MaskMerger(MapMerger):
    """The most probable class of each pixel, by the mean of `scores` (1, C, H, W) over views.

    Only the classes, a byte a pixel, are read from the device.

    Args:
        size: (height, width) of the original picture.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(size, "scores")

    def result(self) -> np.ndarray:
        """(H, W) uint8 classes at the size of the original."""
        return np.asarray(self.mean().argmax(axis=0).astype(np.uint8).asnumpy())
