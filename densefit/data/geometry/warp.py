"""Warp a whole sample by an affine map or homography, in one interpolation.

A bilinear warp samples four pixels. Below a scale of 1/2 it would skip pixels and alias, so the
visible part of the image is first resized by area means, along its rows and columns, to the
largest scale that the map has anywhere in it.
"""

from __future__ import annotations

import cv2
import numpy as np

from densefit.data.geometry.image_ops import GREY, Fill, fill_color
from densefit.data.geometry.target_kinds import Kind
from densefit.data.geometry.transform_targets import transform_targets
from densefit.data.homography import as_3x3, index_matrix, is_affine, project
from densefit.data.sample import Sample

_OPENCV_DTYPES = ("uint8", "uint16", "int16", "float32", "float64")  # dtypes that OpenCV can warp
_MIN_SCALE = 0.5  # scale below which a bilinear warp would skip pixels


def warp(sample: Sample, matrix: np.ndarray, height: int, width: int, fill: Fill = GREY) -> Sample:
    """Warp a sample to an image of `height` x `width`.

    The image and targets of the kind map_linear are interpolated; other maps take the nearest
    pixel.

    Args:
        sample: to warp.
        matrix: (2, 3) affine map or (3, 3) homography, from its continuous pixel coordinates to
            those of the new image.
        height: height of the new image.
        width: width of the new image.
        fill: colour outside of the image; maps have their own fills.
    """
    matrix = as_3x3(matrix)[:2] if is_affine(np.asarray(matrix)) else as_3x3(matrix)
    image = warp_image(sample.image, matrix, height, width, fill)

    def map_op(array: np.ndarray, kind: Kind) -> np.ndarray:
        if kind.name == "map_linear":
            return _warp_array(array, matrix, height, width, kind.fill, cv2.INTER_LINEAR)
        if array.dtype.name in _OPENCV_DTYPES and array.ndim + array[:1, :1].size <= 7:
            return _warp_array(array, matrix, height, width, kind.fill, cv2.INTER_NEAREST)
        return _warp_nearest(array, matrix, height, width, kind.fill)

    return transform_targets(sample, image, matrix, map_op)


def warp_image(
    image: np.ndarray, matrix: np.ndarray, height: int, width: int, fill: Fill = GREY
) -> np.ndarray:
    """Warp (H, W, 3) uint8 to (height, width, 3), without aliasing."""
    across, down = scales(matrix, image.shape[:2], (height, width))
    if min(across, down) < _MIN_SCALE:
        x1, y1, x2, y2 = visible_window(matrix, image.shape[:2], (height, width))
        view = image[y1:y2, x1:x2]
        new_height = max(1, round(view.shape[0] * down)) if down < _MIN_SCALE else view.shape[0]
        new_width = max(1, round(view.shape[1] * across)) if across < _MIN_SCALE else view.shape[1]
        image = np.asarray(cv2.resize(view, (new_width, new_height), interpolation=cv2.INTER_AREA))
        back = np.diag([view.shape[1] / new_width, view.shape[0] / new_height, 1.0])
        back[:2, 2] = x1, y1
        matrix = (as_3x3(matrix) @ back)[: len(matrix)]
    return _warp_array(image, matrix, height, width, fill_color(fill), cv2.INTER_LINEAR)


def scales(
    matrix: np.ndarray, size: tuple[int, ...], new_size: tuple[int, int]
) -> tuple[float, float]:
    """Largest visible scale of a map, along rows and columns of the source image.

    Args:
        matrix: the map.
        size: (height, width) of the source image.
        new_size: (height, width) of the new image.
    """
    if is_affine(matrix):
        across, down = np.linalg.norm(matrix[:2, :2], axis=0)
        return float(across), float(down)
    x1, y1, x2, y2 = visible_window(matrix, size, new_size)
    x, y = np.meshgrid(np.linspace(x1, x2, 5), np.linspace(y1, y2, 5))
    points = np.stack([x, y], axis=-1)
    here = project(points, matrix)
    steps = [np.linalg.norm(project(points + step, matrix) - here, axis=-1) for step in np.eye(2)]
    return float(steps[0].max()), float(steps[1].max())


def visible_window(
    matrix: np.ndarray, size: tuple[int, ...], new_size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 of the source that the new image shows, with a margin of a few pixels."""
    height, width = new_size
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]])
    inverse = np.linalg.inv(as_3x3(matrix))
    if (corners @ inverse[2, :2] + inverse[2, 2] <= 0).any():  # it reaches beyond the horizon
        return 0, 0, size[1], size[0]
    corners = project(corners, inverse)
    # A pixel of the new image is a mean over several of the source.
    margin = np.ceil(2 * np.ptp(corners, axis=0) / (width, height)) + 2
    low = np.clip(np.floor(corners.min(axis=0) - margin), 0, (size[1] - 1, size[0] - 1))
    high = np.clip(np.ceil(corners.max(axis=0) + margin), low + 1, (size[1], size[0]))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _warp_array(
    array: np.ndarray,
    matrix: np.ndarray,
    height: int,
    width: int,
    fill: int | float | tuple[int, ...],
    interpolation: int,
) -> np.ndarray:
    warp_by = cv2.warpAffine if is_affine(matrix) else cv2.warpPerspective
    colour = fill if isinstance(fill, tuple) else (fill,) * 4
    result = warp_by(
        np.ascontiguousarray(array),
        index_matrix(matrix),
        (width, height),
        flags=interpolation,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=colour,
    )
    return np.asarray(result).reshape((height, width) + array.shape[2:])


def _warp_nearest(
    array: np.ndarray, matrix: np.ndarray, height: int, width: int, fill: int | float
) -> np.ndarray:
    """Warp by nearest pixels, where OpenCV lacks the dtype or has too many channels."""
    y, x = np.mgrid[:height, :width]
    points = project(np.stack([x + 0.5, y + 0.5], axis=-1), np.linalg.inv(as_3x3(matrix)))
    columns, rows = np.moveaxis(np.floor(points), -1, 0).astype(np.int64)
    inside = (columns >= 0) & (rows >= 0) & (columns < array.shape[1]) & (rows < array.shape[0])
    result = np.full((height, width) + array.shape[2:], fill, array.dtype)
    result[inside] = array[rows[inside], columns[inside]]
    return result
