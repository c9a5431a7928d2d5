"""Resample maps from the network's input to the original image."""

from __future__ import annotations

import numpy as np

from densefit.data.sample import Geometry
from densefit.errors import DataError


def map_to_original(array: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Resample a map bilinearly at the pixel centres of the original image.

    Padding is not mixed in at the image's edges. Vectors are not rotated. Supports geometries
    without rotation only (resize, crop, pad, flip), which evaluation uses.

    Args:
        array: (h, w) or (h, w, C) numbers at the size of the input.
        geometry: map from the original image to the input.

    Returns:
        (H, W) or (H, W, C) float32; pixels outside of the input have the nearest value.

    Raises:
        DataError: the map has another size than the input, or the image was rotated.
    """
    (sx, skew, tx), (slant, sy, ty) = geometry.matrix
    if array.shape[:2] != tuple(geometry.input_size) or skew or slant:
        raise DataError(
            "A map cannot be mapped back to its original image",
            expected=f"shape {tuple(geometry.input_size)}, and an image that was not turned",
            received=f"shape {array.shape[:2]}, and the map {geometry.matrix.tolist()}",
        )
    height, width = geometry.size
    array = np.asarray(array, np.float32)
    return _resampled(_resampled(array, 0, sy, ty, height), 1, sx, tx, width)


def _resampled(array: np.ndarray, axis: int, scale: float, shift: float, length: int) -> np.ndarray:
    """Sample `array` at scale * x + shift for the centres x of `length` pixels, along one axis."""
    start, end = sorted((shift, shift + scale * length))
    first = min(max(round(start), 0), array.shape[axis] - 1)
    last = min(max(round(end) - 1, first), array.shape[axis] - 1)
    position = ((np.arange(length) + 0.5) * scale + shift - 0.5).clip(first, last)
    low = np.floor(position).astype(np.intp)
    share = (position - low).astype(np.float32)
    below = array.take(low, axis)
    if not share.any():
        return np.asarray(below)
    above = array.take(np.minimum(low + 1, last), axis)
    shape = [1] * array.ndim
    shape[axis] = length
    return np.asarray(below + (above - below) * share.reshape(shape))
