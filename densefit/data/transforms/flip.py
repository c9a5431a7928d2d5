"""Random flips and quarter turns."""

from __future__ import annotations

import numpy as np

from densefit.data.geometry.ops import GeometricOp, GeometricTransform, flip_op, rotate90_op
from densefit.data.transforms.transform import checked_range, transforms


@transforms.register("random_flip")
class RandomFlip(GeometricTransform):
    """Flip left to right (or top to bottom if `vertical`) with probability `p`.

    Args:
        p: probability, 0 to 1.
        vertical: flip top to bottom instead.
    """

    def __init__(self, p: float = 0.5, vertical: bool = False) -> None:
        self.p = checked_range("p", p, 0.0, 1.0, "RandomFlip")
        self.vertical = vertical

    def ops(self, size: tuple[int, int], rng: np.random.Generator) -> list[GeometricOp]:
        """Draw the flip; none with probability 1 - p."""
        return [flip_op(size, self.vertical)] if rng.random() < self.p else []

    def __repr__(self) -> str:
        return f"RandomFlip({self.p}, vertical={self.vertical})"


@transforms.register("random_rotate90")
class RandomRotate90(GeometricTransform):
    """Rotate by 0 to 3 quarter turns, uniformly; an image that is not square changes its size."""

    def ops(self, size: tuple[int, int], rng: np.random.Generator) -> list[GeometricOp]:
        """Draw the rotation."""
        return [rotate90_op(size, int(rng.integers(4)))]

    def __repr__(self) -> str:
        return "RandomRotate90()"
