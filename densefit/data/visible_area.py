"""Visible area of an image in the network's input, under an affine map."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

Point = tuple[float, float]


def is_whole(size: tuple[int, int], matrix: np.ndarray, input_size: tuple[int, int]) -> bool:
    """Whether the four corners of an image lie in the input, to within a pixel.

    One pixel of the image or the input may be missing at each edge, since sizes are rounded.

    >>> is_whole((10, 20), np.eye(2, 3), (10, 20)), is_whole((10, 20), np.eye(2, 3), (10, 10))
    (True, False)

    Args:
        size: (height, width) of the image.
        matrix: (2, 3) affine map from the image to the input.
        input_size: (height, width) of the input.
    """
    height, width = size
    for (across, down, shift), end in zip(matrix.tolist(), reversed(input_size)):
        sides = across * width, down * height
        spare = max(1.0, math.hypot(across, down)) + 1e-6
        if shift + min(sides[0], 0.0) + min(sides[1], 0.0) < -spare:
            return False
        if shift + max(sides[0], 0.0) + max(sides[1], 0.0) > end + spare:
            return False
    return True


def visible_share(
    size: tuple[int, int], windows: Iterable[tuple[np.ndarray, tuple[int, int]]]
) -> float:
    """Fraction of an image's area that lies in all of the windows, 0 to 1.

    >>> visible_share((10, 20), [(np.eye(2, 3), (10, 10)), (np.eye(2, 3), (5, 20))])
    0.25

    Args:
        size: (height, width) of the image.
        windows: (2, 3) affine map from the image to a window, and the window's (height, width).
    """
    height, width = size
    polygon: list[Point] = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
    for matrix, input_size in windows:
        for (across, down, shift), end in zip(matrix.tolist(), reversed(input_size)):
            polygon = _clipped(polygon, across, down, shift)
            polygon = _clipped(polygon, -across, -down, end - shift)
    return _area(polygon) / (height * width)


def _clipped(polygon: list[Point], across: float, down: float, shift: float) -> list[Point]:
    """Clip a convex polygon to across x + down y + shift >= 0 (Sutherland-Hodgman)."""
    vertices: list[Point] = []
    heights = [across * x + down * y + shift for x, y in polygon]
    for index, ((x, y), here) in enumerate(zip(polygon, heights)):
        (last_x, last_y), before = polygon[index - 1], heights[index - 1]
        if (here < 0) != (before < 0):
            share = before / (before - here)
            vertices.append((last_x + share * (x - last_x), last_y + share * (y - last_y)))
        if here >= 0:
            vertices.append((x, y))
    return vertices


def _area(polygon: list[Point]) -> float:
    twice = sum(
        x * last_y - last_x * y for (x, y), (last_x, last_y) in zip(polygon, polygon[-1:] + polygon)
    )
    return abs(twice) / 2
