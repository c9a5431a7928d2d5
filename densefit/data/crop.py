"""Random crops of the segmentation kind: scale, then a window of fixed size."""

from __future__ import annotations

import numpy as np

from densefit.data.geometric import Geometric, Move, cropping, resizing
from densefit.data.move import GREY, Fill, told
from densefit.data.transform import checked_size, transforms
from densefit.errors import ConfigError


@transforms.register("random_scale_crop")
class RandomScaleCrop(Geometric):
    """Scale by a uniform factor in [low, high], then cut a random `height` x `width` window.

    Only the window is resized. It is cut to whole pixels of the original picture, so that the
    factor is exact to within one pixel of the window. Where the scaled picture is smaller than
    the window, it lies at a random place in it.
    """

    def __init__(
        self, height: int, width: int, low: float = 0.5, high: float = 2.0, fill: Fill = GREY
    ) -> None:
        self.output_size = checked_size(height, width, "RandomScaleCrop")
        if not 0 < low <= high:
            raise ConfigError(
                "The range of scales must be positive and in order",
                received=f"low={low}, high={high}",
                where="RandomScaleCrop",
            )
        self.low, self.high, self.fill = low, high, fill

    def moves(self, size: tuple[int, int], rng: np.random.Generator) -> list[Move]:
        """To a window, and to `output_size`."""
        height, width = self.output_size
        scale = rng.uniform(self.low, self.high)
        window = max(1, round(height / scale)), max(1, round(width / scale))
        top = offset(size[0], window[0], rng)
        left = offset(size[1], window[1], rng)
        return [
            cropping(left, top, window[1], window[0], self.fill),
            resizing(window, height, width),
        ]

    def __repr__(self) -> str:
        height, width = self.output_size
        settings = f"{height}, {width}, {self.low}, {self.high}{told(self.fill)}"
        return f"{type(self).__name__}({settings})"


@transforms.register("random_crop")
class RandomCrop(RandomScaleCrop):
    """A random window of fixed size; a picture that is smaller is padded."""

    def __init__(self, height: int, width: int, fill: Fill = GREY) -> None:
        super().__init__(height, width, 1.0, 1.0, fill)


def offset(size: int, window: int, rng: np.random.Generator) -> int:
    """Where a window begins: inside the picture, or, if larger, so that it holds the picture."""
    low, high = sorted((0, size - window))
    return int(rng.integers(low, high + 1))
