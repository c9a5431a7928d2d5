"""Colors, line widths and letter heights of drawings."""

from __future__ import annotations

import colorsys
import math

import numpy as np

Color = tuple[int, int, int]

# Distinct on photographs and from each other; further colors are made by turning the hue.
_PALETTE: tuple[Color, ...] = (
    (230, 60, 60),
    (40, 150, 240),
    (70, 190, 80),
    (250, 170, 20),
    (170, 80, 220),
    (30, 200, 190),
    (240, 90, 170),
    (150, 110, 60),
    (190, 210, 40),
    (90, 100, 230),
    (250, 130, 90),
    (20, 120, 90),
)
FAR = 1e6  # pixels outside of an image that OpenCV can still count, with fractions of pixels


def color_of(index: int) -> Color:
    """Color of class `index`: fixed, and distinct from its neighbours' colors.

    >>> color_of(0)
    (230, 60, 60)
    """
    if 0 <= index < len(_PALETTE):
        return _PALETTE[index]
    hue = (index * 0.6180339887498949) % 1.0  # golden ratio: never near the last indices
    lightness = (0.42, 0.55, 0.68)[index % 3]
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.75)
    return round(red * 255), round(green * 255), round(blue * 255)


def line_width(image: np.ndarray) -> int:
    """Width in pixels of a thin but visible outline on `image`.

    It grows with the root of the image's shorter side: 2 pixels of 320, 4 of 1200.
    """
    return max(1, round(math.sqrt(min(image.shape[:2]) / 80)))


def letter_height(image: np.ndarray) -> float:
    """Height in pixels of capital letters that are legible on `image` and hide little of it."""
    return float(np.clip(min(image.shape[:2]) / 45, 8, 40))


def contrasting(background: Color) -> Color:
    """Return black or white, whichever contrasts more with `background`."""
    red, green, blue = background
    return (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else (255, 255, 255)
