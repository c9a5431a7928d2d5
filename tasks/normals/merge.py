"""Normals of several views, averaged on the device."""

from __future__ import annotations

from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.mxnet.map_averaging import MapMerger

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
        x, others = mx.nd.flip(maps[:1], axis=2), mx.nd.flip(maps[1:], axis=2)
        return mx.nd.concat(-x, others, dim=0)

    def result(self) -> np.ndarray:
        """(H, W, 3) float32 unit vectors at the size of the original."""
        return unit(self.mean().asnumpy().transpose(1, 2, 0))[0]
