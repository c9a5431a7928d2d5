"""Any affine map or change of perspective of a whole sample, in one interpolation.

A bilinear warp looks at four pixels. Where it shrinks by more than 2 it would skip pixels and
alias, so the part of the picture that is seen is first shrunk by area means, along its own rows
and columns, to the largest scale that the map has anywhere in it.
"""

from __future__ import annotations

import cv2
import numpy as np

from densefit.data.geometry.image_ops import GREY, Fill, colour_of
from densefit.data.geometry.target_kinds import Kind
from densefit.data.geometry.transform_targets import moved
from densefit.data.homography import is_affine, of_indices, project, square
from densefit.data.sample import Sample

_DIRECT = ("uint8", "uint16", "int16", "float32", "float64")  # what OpenCV can warp
_TOO_SMALL = 0.5  # scale below which a bilinear warp would skip pixels


def warp(sample: Sample, matrix: np.ndarray, height: int, width: int, fill: Fill = GREY) -> Sample:
    """The sample under a map, in a picture of `height` x `width`.

    The image is interpolated; so are targets of the kind map_linear. Of all other maps each new
    pixel takes the value under its centre.

    Args:
        sample: what to move.
        matrix: (2, 3) affine or (3, 3) homography, from its continuous pixel coordinates to those
            of the new picture.
        height: pixels of the new picture.
        width: pixels of the new picture.
        fill: colour where there is no picture; maps have their own fills.
    """
    matrix = square(matrix)[:2] if is_affine(np.asarray(matrix)) else square(matrix)
    image = warp_image(sample.image, matrix, height, width, fill)

    def move_map(array: np.ndarray, kind: Kind) -> np.ndarray:
        if kind.name == "map_linear":
            return _warped(array, matrix, height, width, kind.fill, cv2.INTER_LINEAR)
        if array.dtype.name in _DIRECT and array.ndim + array[:1, :1].size <= 7:
            return _warped(array, matrix, height, width, kind.fill, cv2.INTER_NEAREST)
        return _gathered(array, matrix, height, width, kind.fill)

    return moved(sample, image, matrix, move_map)


def warp_image(
    image: np.ndarray, matrix: np.ndarray, height: int, width: int, fill: Fill = GREY
) -> np.ndarray:
    """(H, W, 3) uint8 under a map to (height, width, 3), without aliasing."""
    across, down = scales(matrix, image.shape[:2], (height, width))
    if min(across, down) < _TOO_SMALL:
        x1, y1, x2, y2 = seen(matrix, image.shape[:2], (height, width))
        view = image[y1:y2, x1:x2]
        new_height = max(1, round(view.shape[0] * down)) if down < _TOO_SMALL else view.shape[0]
        new_width = max(1, round(view.shape[1] * across)) if across < _TOO_SMALL else view.shape[1]
        image = np.asarray(cv2.resize(view, (new_width, new_height), interpolation=cv2.INTER_AREA))
        back = np.diag([view.shape[1] / new_width, view.shape[0] / new_height, 1.0])
        back[:2, 2] = x1, y1
        matrix = (square(matrix) @ back)[: len(matrix)]
    return _warped(image, matrix, height, width, colour_of(fill), cv2.INTER_LINEAR)


def scales(
    matrix: np.ndarray, size: tuple[int, ...], new_size: tuple[int, int]
) -> tuple[float, float]:
    """New pixels a pixel, along rows and columns of the old picture: the most that is seen.

    Args:
        matrix: the map.
        size: (height, width) of the old picture.
        new_size: (height, width) of the new one.
    """
    if is_affine(matrix):
        across, down = np.linalg.norm(matrix[:2, :2], axis=0)
        return float(across), float(down)
    x1, y1, x2, y2 = seen(matrix, size, new_size)
    x, y = np.meshgrid(np.linspace(x1, x2, 5), np.linspace(y1, y2, 5))
    places = np.stack([x, y], axis=-1)
    here = project(places, matrix)
    steps = [np.linalg.norm(project(places + step, matrix) - here, axis=-1) for step in np.eye(2)]
    return float(steps[0].max()), float(steps[1].max())


def seen(
    matrix: np.ndarray, size: tuple[int, ...], new_size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2: the part of the old picture that the new one shows, and a few pixels more."""
    height, width = new_size
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]])
    whole = np.linalg.inv(square(matrix))
    if (corners @ whole[2, :2] + whole[2, 2] <= 0).any():  # it reaches beyond the horizon
        return 0, 0, size[1], size[0]
    places = project(corners, whole)
    # A pixel of the new picture is a mean over several of the old one.
    margin = np.ceil(2 * np.ptp(places, axis=0) / (width, height)) + 2
    low = np.clip(np.floor(places.min(axis=0) - margin), 0, (size[1] - 1, size[0] - 1))
    high = np.clip(np.ceil(places.max(axis=0) + margin), low + 1, (size[1], size[0]))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _warped(
    array: np.ndarray,
    matrix: np.ndarray,
    height: int,
    width: int,
    fill: int | float | tuple[int, ...],
    how: int,
) -> np.ndarray:
    work = cv2.warpAffine if is_affine(matrix) else cv2.warpPerspective
    colour = fill if isinstance(fill, tuple) else (fill,) * 4
    result = work(
        np.ascontiguousarray(array),
        of_indices(matrix),
        (width, height),
        flags=how,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=colour,
    )
    return np.asarray(result).reshape((height, width) + array.shape[2:])


def _gathered(
    array: np.ndarray, matrix: np.ndarray, height: int, width: int, fill: int | float
) -> np.ndarray:
    """What OpenCV has no type for, or too many channels: pixel by pixel."""
    y, x = np.mgrid[:height, :width]
    places = project(np.stack([x + 0.5, y + 0.5], axis=-1), np.linalg.inv(square(matrix)))
    columns, rows = np.moveaxis(np.floor(places), -1, 0).astype(np.int64)
    inside = (columns >= 0) & (rows >= 0) & (columns < array.shape[1]) & (rows < array.shape[0])
    result = np.full((height, width) + array.shape[2:], fill, array.dtype)
    result[inside] = array[rows[inside], columns[inside]]
    return result
