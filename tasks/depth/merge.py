"""Depths of several views, averaged on the device."""

from __future__ import annotations

import numpy as np

from densefit.engine.map_averaging import MapMerger


class DepthMerger(MapMerger):
    """The mean of `depth` (1, 1, H, W) over views.

    Args:
        size: (height, width) of the original picture.
        low: metres, the smallest there may be;
        high: and the largest.
    """

    def __init__(self, size: tuple[int, int], low: float, high: float) -> None:
        super().__init__(size, "depth")
        self._low, self._high = low, high

    def result(self) -> np.ndarray:
        """(H, W) float32 metres at the size of the original."""
        # Means of what lies at a limit may be beyond it by a digit.
        return np.clip(np.asarray(self.mean()[0].asnumpy()), self._low, self._high)
