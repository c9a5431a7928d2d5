"""Noise and JPEG artefacts. Change the image only."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from densefit.data.sample import Sample
from densefit.data.transforms.transform import checked_range, transforms
from densefit.errors import ConfigError


@transforms.register("random_noise")
class RandomNoise:
    """Gaussian noise with a standard deviation in [0, sigma] of 255, with probability `p`.

    Args:
        sigma: largest standard deviation, in grey levels (0 to 255), at most 128.
        p: probability, 0 to 1.
    """

    def __init__(self, sigma: float = 15.0, p: float = 0.5) -> None:
        self.sigma = checked_range("sigma", sigma, 0.0, 128.0, "RandomNoise")
        self.p = checked_range("p", p, 0.0, 1.0, "RandomNoise")

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Add noise with probability `p`."""
        if rng.random() >= self.p:
            return sample
        sigma = np.float32(rng.uniform(0.0, self.sigma))
        noisy = rng.standard_normal(sample.image.shape, np.float32) * sigma + sample.image
        return replace(sample, image=np.rint(noisy).clip(0, 255).astype(np.uint8))

    def __repr__(self) -> str:
        return f"RandomNoise({self.sigma}, p={self.p})"


@transforms.register("random_jpeg")
class RandomJPEG:
    """JPEG compression with a quality in [low, high] of 1 to 100, with probability `p`.

    Args:
        low: lowest quality, 1 to 100.
        high: highest quality, 1 to 100.
        p: probability, 0 to 1.
    """

    def __init__(self, low: int = 30, high: int = 95, p: float = 0.5) -> None:
        if not 1 <= low <= high <= 100:
            raise ConfigError(
                "The range of qualities must be within 1 to 100 and in order",
                received=f"low={low}, high={high}",
                where="RandomJPEG",
            )
        self.low, self.high = low, high
        self.p = checked_range("p", p, 0.0, 1.0, "RandomJPEG")

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Compress and decode the image with probability `p`."""
        if rng.random() >= self.p:
            return sample
        quality = int(rng.integers(self.low, self.high + 1))
        # JPEG keeps luma better than chroma, so the order of channels matters.
        bgr = cv2.cvtColor(sample.image, cv2.COLOR_RGB2BGR)
        _, packed = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
        return replace(sample, image=np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)))

    def __repr__(self) -> str:
        return f"RandomJPEG({self.low}, {self.high}, p={self.p})"
