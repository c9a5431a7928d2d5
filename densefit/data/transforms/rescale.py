"""Resize by one side, or by a random factor: sizes vary, so a crop must follow."""

from __future__ import annotations

import numpy as np

from densefit.data.geometry.ops import GeometricOp, GeometricTransform, resize_op
from densefit.data.transforms.transform import transforms
from densefit.errors import ConfigError


@transforms.register("resize_side")
class ResizeSide(GeometricTransform):
    """Resize to a length of the shorter or longer side, and keep the aspect ratio.

    With both, the shorter side gets its length, unless the longer one would then exceed its own,
    which it gets instead: the rule of Faster R-CNN and Detectron (800 and 1333 there).

    Args:
        short: pixels of the shorter side.
        long: pixels of the longer side.
    """

    def __init__(self, short: int | None = None, long: int | None = None) -> None:
        lengths = [length for length in (short, long) if length is not None]
        if not lengths or any(int(length) != length or length < 1 for length in lengths):
            raise ConfigError(
                "A side needs a length, in whole pixels above 0",
                expected="short, long or both",
                received=f"short={short}, long={long}",
                where="ResizeSide",
            )
        self.short, self.long = short, long

    def ops(self, size: tuple[int, int], rng: np.random.Generator) -> list[GeometricOp]:
        """Resize by the factor of the sides."""
        factors = []
        if self.short is not None:
            factors.append(self.short / min(size))
        if self.long is not None:
            factors.append(self.long / max(size))
        return [scaling(size, min(factors))]

    def __repr__(self) -> str:
        return f"ResizeSide(short={self.short}, long={self.long})"


@transforms.register("random_scale")
class RandomScale(GeometricTransform):
    """Resize by a log-uniform random factor in [low, high].

    Args:
        low: lowest factor, above 0.
        high: highest factor.
    """

    def __init__(self, low: float = 0.5, high: float = 2.0) -> None:
        if not 0 < low <= high:
            raise ConfigError(
                "The range of scales must be positive and in order",
                received=f"low={low}, high={high}",
                where="RandomScale",
            )
        self.low, self.high = low, high

    def ops(self, size: tuple[int, int], rng: np.random.Generator) -> list[GeometricOp]:
        """Draw the factor."""
        return [scaling(size, float(np.exp(rng.uniform(np.log(self.low), np.log(self.high)))))]

    def __repr__(self) -> str:
        return f"RandomScale({self.low}, {self.high})"


def scaling(size: tuple[int, int], factor: float) -> GeometricOp:
    """Resize by a factor, to whole pixels."""
    return resize_op(size, max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
