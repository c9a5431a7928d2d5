"""Random blur: out of focus, or by motion. Changes the image only."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from densefit.data.sample import Sample
from densefit.data.transforms.transform import checked_range, transforms
from densefit.errors import ConfigError


@transforms.register("random_blur")
class RandomBlur:
    """Gaussian blur with a standard deviation in [low, high] pixels, with probability `p`.

    Args:
        low: smallest standard deviation, in pixels, above 0.
        high: largest standard deviation, in pixels.
        p: probability, 0 to 1.
    """

    def __init__(self, low: float = 0.1, high: float = 2.0, p: float = 0.5) -> None:
        if not 0 < low <= high:
            raise ConfigError(
                "The range of blurs must be positive and in order",
                received=f"low={low}, high={high}",
                where="RandomBlur",
            )
        self.low, self.high = low, high
        self.p = checked_range("p", p, 0.0, 1.0, "RandomBlur")

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Blur the image with probability `p`."""
        if rng.random() >= self.p:
            return sample
        sigma = rng.uniform(self.low, self.high)
        image = cv2.GaussianBlur(sample.image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        return replace(sample, image=np.asarray(image))

    def __repr__(self) -> str:
        return f"RandomBlur({self.low}, {self.high}, p={self.p})"


@transforms.register("random_motion_blur")
class RandomMotionBlur:
    """Mean along a line of up to `length` pixels, in any direction, with probability `p`.

    Args:
        length: longest line, in pixels.
        p: probability, 0 to 1.
    """

    def __init__(self, length: float = 9.0, p: float = 0.5) -> None:
        self.length = checked_range("length", length, 1.0, 200.0, "RandomMotionBlur")
        self.p = checked_range("p", p, 0.0, 1.0, "RandomMotionBlur")

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Blur the image with probability `p`."""
        if rng.random() >= self.p:
            return sample
        kernel = line(rng.uniform(1.0, self.length), rng.uniform(0.0, np.pi))
        image = cv2.filter2D(sample.image, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        return replace(sample, image=np.asarray(image))

    def __repr__(self) -> str:
        return f"RandomMotionBlur({self.length}, p={self.p})"


def line(length: float, angle: float) -> np.ndarray:
    """Kernel of the mean along a line: float32, odd sides, sum 1.

    Args:
        length: pixels.
        angle: radians, clockwise from the x axis as seen.
    """
    reach = int(np.ceil((length - 1) / 2))
    # Ten points a pixel, each shared among the four pixels around it.
    steps = np.linspace(-0.5, 0.5, 2 + int(10 * length)) * (length - 1)
    x, y = steps * np.cos(angle) + reach, steps * np.sin(angle) + reach
    grid = np.arange(2 * reach + 1)
    across = np.maximum(0.0, 1 - np.abs(x[:, None] - grid))
    down = np.maximum(0.0, 1 - np.abs(y[:, None] - grid))
    kernel = down.T @ across
    return np.asarray(kernel / kernel.sum(), np.float32)
