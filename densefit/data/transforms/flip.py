"""Random mirroring and quarter turns."""

from __future__ import annotations

import numpy as np

from densefit.data.geometry.ops import Geometric, Move, mirroring, turning
from densefit.data.transforms.transform import checked_range, transforms


@transforms.register("random_flip")
class RandomFlip(Geometric):
    """Mirror left to right (or top to bottom if `vertical`) with probability `p`."""

    def __init__(self, p: float = 0.5, vertical: bool = False) -> None:
        self.p = checked_range("p", p, 0.0, 1.0, "RandomFlip")
        self.vertical = vertical

    def moves(self, size: tuple[int, int], rng: np.random.Generator) -> list[Move]:
        """The mirroring, or nothing."""
        return [mirroring(size, self.vertical)] if rng.random() < self.p else []

    def __repr__(self) -> str:
        return f"RandomFlip({self.p}, vertical={self.vertical})"


@transforms.register("random_rotate90")
class RandomRotate90(Geometric):
    """Turn by 0 to 3 quarter turns, each as likely; a picture that is not square changes size."""

    def moves(self, size: tuple[int, int], rng: np.random.Generator) -> list[Move]:
        """The turn."""
        return [turning(size, int(rng.integers(4)))]

    def __repr__(self) -> str:
        return "RandomRotate90()"
