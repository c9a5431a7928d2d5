"""Skeletons on a picture. Numpy and OpenCV, RGB uint8."""

from __future__ import annotations

import cv2
import numpy as np

from densefit.visualize.drawing import FAR, Color, color_of, line_width

_OUTLINE: Color = (20, 20, 20)
_SUBPIXEL = 4  # binary digits of a place that OpenCV draws exactly


def draw_skeletons(
    image: np.ndarray, keypoints: np.ndarray, limbs: np.ndarray, threshold: float = 0.0
) -> np.ndarray:
    """A copy of `image` with each limb as a line of a colour of its own, and keypoints as dots.

    Lines are as thick as the picture and the object allow: a small figure stays legible. All but
    the thinnest have a dark outline, so that they can be seen on any ground.

    Args:
        image: (H, W, 3) uint8.
        keypoints: (n, K, 3) x, y in continuous pixels, and confidence or visibility; the last
            object lies on top.
        limbs: (L, 2) indices of the keypoints that are joined.
        threshold: keypoints are shown whose third number is above it, limbs between those.
    """
    result = np.ascontiguousarray(image).copy()
    for points in np.asarray(keypoints, np.float64):
        shown = (points[:, 2] > threshold) & np.isfinite(points[:, :2]).all(axis=1)
        points = np.clip(np.nan_to_num(points), -FAR, FAR)
        if not shown.any():
            continue
        width = _width(result, points[shown, :2])
        # the middle of pixel 0 is at 0.5 for us, and at 0 for OpenCV
        places = np.rint((points[:, :2] - 0.5) * 2**_SUBPIXEL).astype(int)
        lines = [(number, a, b) for number, (a, b) in enumerate(limbs) if shown[a] and shown[b]]
        outline = [(width + 2, True)] if width > 1 else []
        for thickness, outlined in (*outline, (width, False)):
            for number, a, b in lines:
                color = _OUTLINE if outlined else color_of(number)
                _line(result, places[a], places[b], color, thickness)
            for index in np.flatnonzero(shown):
                # Limbs say which is which by their colours; without any the dots must.
                color = color_of(index) if len(limbs) == 0 else (255, 255, 255)
                radius = width if outlined else width - 1
                _dot(result, places[index], _OUTLINE if outlined else color, radius)
    return result


def _width(image: np.ndarray, points: np.ndarray) -> int:
    """Pixels of a line: a hundredth of the picture, but a fifteenth of the object at most."""
    extent = float((points.max(axis=0) - points.min(axis=0)).max())
    return max(1, min(3 * line_width(image), round(extent / 15)))


def _line(image: np.ndarray, a: np.ndarray, b: np.ndarray, color: Color, width: int) -> None:
    first, second = ((int(x), int(y)) for x, y in (a, b))
    cv2.line(image, first, second, color, width, cv2.LINE_AA, _SUBPIXEL)


def _dot(image: np.ndarray, place: np.ndarray, color: Color, radius: int) -> None:
    centre = (int(place[0]), int(place[1]))
    cv2.circle(image, centre, radius << _SUBPIXEL, color, -1, cv2.LINE_AA, _SUBPIXEL)
