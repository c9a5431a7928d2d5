"""Crop, resize, flip and rotate a whole sample: image, targets and geometry together.

Coordinates are continuous: pixel j covers [j, j + 1). Resizing by s maps x to s x, flipping maps
x to W - x. `transform_targets` has the rules of targets, `warp` any other map.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from densefit.data.geometry.target_kinds import Kind
from densefit.data.geometry.transform_targets import transform_targets
from densefit.data.sample import Sample
from densefit.old_paths import former_names

Fill = int | Sequence[int]
GREY = 114  # close to the mean of natural images


def crop(sample: Sample, left: int, top: int, width: int, height: int, fill: Fill = GREY) -> Sample:
    """Crop a window of whole pixels; outside of the image are `fill` and the maps' fills."""
    matrix = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top]])
    image = _crop_image(sample.image, left, top, width, height, fill)

    def map_op(array: np.ndarray, kind: Kind) -> np.ndarray:
        return _crop_map(array, left, top, width, height, kind.fill)

    return transform_targets(sample, image, matrix, map_op)


def resize(sample: Sample, height: int, width: int) -> Sample:
    """Resize to `height` x `width` pixels."""
    old_height, old_width = sample.image.shape[:2]
    if (old_height, old_width) == (height, width):
        return sample
    matrix = np.array([[width / old_width, 0.0, 0.0], [0.0, height / old_height, 0.0]])
    image = resize_image(sample.image, height, width)

    def map_op(array: np.ndarray, kind: Kind) -> np.ndarray:
        if kind.name == "map_linear":
            return np.asarray(
                cv2.resize(array, (width, height), interpolation=cv2.INTER_LINEAR)
            ).reshape((height, width) + array.shape[2:])
        return resize_nearest(array, height, width)

    return transform_targets(sample, image, matrix, map_op)


def flip(sample: Sample, vertical: bool = False) -> Sample:
    """Flip left and right (or top and bottom)."""
    height, width = sample.image.shape[:2]
    if vertical:
        matrix = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, height]])
    else:
        matrix = np.array([[-1.0, 0.0, width], [0.0, 1.0, 0.0]])
    axis = 0 if vertical else 1
    image = np.asarray(cv2.flip(sample.image, axis))

    def map_op(array: np.ndarray, kind: Kind) -> np.ndarray:
        return np.ascontiguousarray(np.flip(array, axis))

    return transform_targets(sample, image, matrix, map_op)


def rotate90(sample: Sample, quarters: int) -> Sample:
    """Rotate by quarter turns, counter-clockwise."""
    for _ in range(quarters % 4):
        width = sample.image.shape[1]
        matrix = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, width]])
        image = np.asarray(cv2.rotate(sample.image, cv2.ROTATE_90_COUNTERCLOCKWISE))
        sample = transform_targets(
            sample, image, matrix, lambda array, kind: np.ascontiguousarray(np.rot90(array))
        )
    return sample


def resize_image(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize (H, W, 3) uint8: bilinear, or by area means below half of either side."""
    old_height, old_width = image.shape[:2]
    if old_height > 2 * height or old_width > 2 * width:
        # OpenCV takes area means only if neither side grows: a side that does is resized after.
        size = min(old_width, width), min(old_height, height)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        if size == (width, height):
            return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR))


def resize_nearest(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize (H, W, ...) of any type: take the pixel under each new pixel's centre.

    cv2.INTER_NEAREST takes the pixel under the corner, half a pixel off the resized image.
    """
    rows = ((np.arange(height) + 0.5) * (array.shape[0] / height)).astype(np.intp)
    columns = ((np.arange(width) + 0.5) * (array.shape[1] / width)).astype(np.intp)
    return np.asarray(array.take(rows, axis=0).take(columns, axis=1))


def fill_color(fill: Fill) -> tuple[int, ...]:
    """(red, green, blue) of a `fill`."""
    return (fill,) * 3 if isinstance(fill, int) else tuple(fill)


def fill_repr(fill: Fill) -> str:
    """The `fill` part of a repr; left out for the default, so that older checkpoints match.

    >>> fill_repr((0, 0, 0)), fill_repr(GREY)
    (', fill=(0, 0, 0)', '')
    """
    return "" if fill == GREY else f", fill={fill}"


def _crop_image(
    image: np.ndarray, left: int, top: int, width: int, height: int, fill: Fill
) -> np.ndarray:
    old_height, old_width = image.shape[:2]
    if 0 <= left and 0 <= top and left + width <= old_width and top + height <= old_height:
        return image[top : top + height, left : left + width]
    x1, y1 = min(max(left, 0), old_width), min(max(top, 0), old_height)
    x2, y2 = max(min(left + width, old_width), x1), max(min(top + height, old_height), y1)
    colour = fill_color(fill)
    if x1 == x2 or y1 == y2:
        return np.full((height, width, 3), colour, np.uint8)
    before_x, before_y = x1 - left, y1 - top
    return np.asarray(
        cv2.copyMakeBorder(
            image[y1:y2, x1:x2],
            before_y,
            height - before_y - (y2 - y1),
            before_x,
            width - before_x - (x2 - x1),
            cv2.BORDER_CONSTANT,
            value=colour,
        )
    )


def _crop_map(
    array: np.ndarray, left: int, top: int, width: int, height: int, fill: int | float
) -> np.ndarray:
    old_height, old_width = array.shape[:2]
    x1, y1 = min(max(left, 0), old_width), min(max(top, 0), old_height)
    x2, y2 = max(min(left + width, old_width), x1), max(min(top + height, old_height), y1)
    if (x2 - x1, y2 - y1) == (width, height):
        return array[y1:y2, x1:x2]
    window = np.full((height, width) + array.shape[2:], fill, array.dtype)
    window[y1 - top : y2 - top, x1 - left : x2 - left] = array[y1:y2, x1:x2]
    return window


__getattr__ = former_names(
    __name__,
    {"mirror": "flip", "turn": "rotate90", "told": "fill_repr", "colour_of": "fill_color"},
)
