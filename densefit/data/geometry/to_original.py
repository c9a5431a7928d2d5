"""Maps of numbers back from the network's input to the pixels of the original picture."""

from __future__ import annotations

import numpy as np

from densefit.data.sample import Geometry
from densefit.errors import DataError


def map_to_original(array: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Resample a map linearly at the pixel centres of the original picture.

    At the picture's edges nothing of the padding around it is mixed in. What has a direction
    (vectors) is not turned. Maps without rotation only (resize, crop, pad, mirror), which is all
    that evaluation uses.

    Args:
        array: (h, w) or (h, w, C) numbers at the size of the input.
        geometry: where the original lies in the input.

    Returns:
        (H, W) or (H, W, C) float32; where a pixel lies outside of the input, the nearest value.

    Raises:
        DataError: the map is of another size than the input, or the picture was turned.
    """
    (sx, skew, tx), (slant, sy, ty) = geometry.matrix
    if array.shape[:2] != tuple(geometry.input_size) or skew or slant:
        raise DataError(
            "A map cannot be brought back to its original picture",
            expected=f"shape {tuple(geometry.input_size)}, and a picture that was not turned",
            received=f"shape {array.shape[:2]}, and the map {geometry.matrix.tolist()}",
        )
    height, width = geometry.size
    array = np.asarray(array, np.float32)
    return _resampled(_resampled(array, 0, sy, ty, height), 1, sx, tx, width)


def _resampled(array: np.ndarray, axis: int, scale: float, shift: float, length: int) -> np.ndarray:
    """`array` at scale * x + shift for the centres x of `length` pixels, along one axis."""
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
