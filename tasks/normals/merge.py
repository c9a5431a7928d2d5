"""Normals of several views, averaged on the device."""

from __future__ import annotations

from typing import Any

import numpy as np

from densefit.engine.map_averaging import MapMerger

from .vectors import unit


class NormalsMerger(MapMerger):
    """The direction of the mean of `normals` (1, 3, H, W) over views.

    In a mirrored view a surface that faces left faces right: its normals are mirrored, too.

    Args:
        size: (height, width) of the original picture.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(size, "normals")

    def mirrored(self, maps: Any) -> Any:
        """(3, H, W) with x the other way round, at the mirrored place."""
        flipped = maps.flip(axis=2)
        flipped[:1] = -flipped[:1]
        return flipped

    def result(self) -> np.ndarray:
        """(H, W, 3) float32 unit vectors at the size of the original."""
        return unit(self.mean().asnumpy().transpose(1, 2, 0))[0]
