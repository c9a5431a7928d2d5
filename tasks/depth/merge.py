"""Depths of several views, averaged on the device."""

from __future__ import annotations

import numpy as np

from densefit.model.map_merger import MapMerger


class DepthMerger(MapMerger):
    """The mean of `depth` (1, 1, H, W) over views.

    Args:
        size: (height, width) of the original picture.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(size, "depth")

    def result(self) -> np.ndarray:
        """(H, W) float32 metres at the size of the original."""
        return np.asarray(self.mean()[0].asnumpy())
