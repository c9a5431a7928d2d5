"""Random changes of colour: jitter, and grey."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from densefit.data.sample import Sample
from densefit.data.transforms.transform import checked_range, transforms

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_TO_YIQ = np.array([_LUMA, [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)


@transforms.register("color_jitter")
class ColorJitter:
    """Random brightness, contrast, saturation and hue.

    Each of the first three draws a factor in [1 - value, 1 + value]; `hue` draws a rotation of
    the colour circle in [-hue, hue], in whole turns. All four are linear in the pixel's colour (the
    hue as a rotation of the YIQ chroma plane), so that one pass over the image applies them.

    Args:
        brightness: half-width of the factor's range, 0 to 1.
        contrast: the same for the distance from the image's mean grey.
        saturation: the same for the distance from each pixel's grey.
        hue: largest rotation of the colour circle, in turns, 0 to 0.5.
    """

    def __init__(
        self,
        brightness: float = 0.2,
        contrast: float = 0.2,
        saturation: float = 0.2,
        hue: float = 0.02,
    ) -> None:
        self.brightness = checked_range("brightness", brightness, 0.0, 1.0, "ColorJitter")
        self.contrast = checked_range("contrast", contrast, 0.0, 1.0, "ColorJitter")
        self.saturation = checked_range("saturation", saturation, 0.0, 1.0, "ColorJitter")
        self.hue = checked_range("hue", hue, 0.0, 0.5, "ColorJitter")

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Change the colours of the image."""
        brightness, contrast, saturation = (
            rng.uniform(1 - value, 1 + value)
            for value in (self.brightness, self.contrast, self.saturation)
        )
        turn = rng.uniform(-self.hue, self.hue)
        grey = float(_LUMA @ np.array(cv2.mean(sample.image)[:3]))
        matrix = colour_matrix(brightness, contrast, saturation, turn, grey)
        return replace(sample, image=np.asarray(cv2.transform(sample.image, matrix)))

    def __repr__(self) -> str:
        values = (self.brightness, self.contrast, self.saturation, self.hue)
        return "ColorJitter({}, {}, {}, {})".format(*values)


@transforms.register("random_gray")
class RandomGray:
    """Convert to grey with probability `p`: three equal channels of the luma (BT.601).

    Args:
        p: probability, 0 to 1.
    """

    def __init__(self, p: float = 0.1) -> None:
        self.p = checked_range("p", p, 0.0, 1.0, "RandomGray")

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Convert the image to grey with probability `p`."""
        if rng.random() >= self.p:
            return sample
        grey = cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY)
        return replace(sample, image=np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)))

    def __repr__(self) -> str:
        return f"RandomGray({self.p})"


def colour_matrix(
    brightness: float, contrast: float, saturation: float, turn: float, grey: float
) -> np.ndarray:
    """(3, 4) colour matrix for RGB: chroma first, then contrast about `grey`, brightness.

    Args:
        brightness: factor on everything.
        contrast: factor on the distance to `grey`.
        saturation: factor on the distance to the grey of the pixel.
        turn: rotation of the hue, in whole turns; red goes to yellow.
        grey: mean luma of the image, 0..255.
    """
    cos, sin = np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)
    chroma = np.array(
        [
            [1, 0, 0],
            [0, saturation * cos, saturation * sin],
            [0, -saturation * sin, saturation * cos],
        ]
    )
    colour = brightness * contrast * (_FROM_YIQ @ chroma @ _TO_YIQ)
    shift = np.full((3, 1), brightness * (1 - contrast) * grey)
    return np.hstack([colour, shift])
