"""Depths of several views, averaged on the device."""

from __future__ import annotations

import numpy as np

from densefit.model.map_merger import MapMerger


class DepthMerger(MapMerger):
    """The mean of `depth` (1, 1, H, W) over views.

    Args:
        size: (height, width) of the original picture.
        limits: the least and the largest depth.
    """

    def __init__(self, size: tuple[int, int], limits: tuple[np.float32, np.float32]) -> None:
        super().__init__(size, "depth")
        self._limits = limits

    def result(self) -> np.ndarray:
        """(H, W) float32 metres at the size of the original."""
        return np.asarray(np.clip(self.mean()[0].asnumpy(), *self._limits))


def float32_within(low: float, high: float) -> tuple[np.float32, np.float32]:
    """The least and the largest float32 that are not beyond two limits.

    The exponential of a logarithm is a digit off, and so is a float32 of most limits.

    >>> low, high = float32_within(0.1, 0.7)
    >>> float(low) >= 0.1, float(high) <= 0.7
    (True, True)
    """
    least, most = np.float32(low), np.float32(high)
    if float(least) < low:
        least = np.nextafter(least, np.float32(np.inf))
    if float(most) > high:
        most = np.nextafter(most, np.float32(0))
    return least, max(least, most)
