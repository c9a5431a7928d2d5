"""Downsample maps to the output stride of a head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.data.sample import Sample
from densefit.errors import DataError


def grid_size(size: Sequence[int], stride: int) -> tuple[int, int]:
    """(rows, columns) of the grid of `stride` pixels that covers an image of (height, width).

    >>> grid_size((32, 45), 4)
    (8, 12)
    """
    return -(-size[0] // stride), -(-size[1] // stride)


def cell_centres(array: np.ndarray, stride: int) -> np.ndarray:
    """Take the centre pixel of every cell, so that unknown values are not mixed with others.

    >>> cell_centres(np.eye(6), 4).tolist()
    [[1.0, 0.0], [0.0, 1.0]]

    Args:
        array: (H, W, ...) of any type.
        stride: pixels per cell, in each direction.

    Returns:
        (h, w, ...), a new array. Incomplete cells at the edge take the last pixel if they have no
        centre.
    """
    rows, columns = grid_size(array.shape, stride)
    half = stride // 2
    return np.asarray(
        array[
            np.minimum(np.arange(rows) * stride + half, array.shape[0] - 1)[:, None],
            np.minimum(np.arange(columns) * stride + half, array.shape[1] - 1),
        ]
    )


def strided_target(
    sample: Sample, target: str, channels: tuple[int, ...], stride: int, where: str
) -> np.ndarray:
    """A sample's map at the centres of all cells; zeros if the sample lacks the target.

    Args:
        sample: sample with the map.
        target: name of the target.
        channels: shape of each pixel: () for one number, (3,) for a vector of three.
        stride: pixels per cell.
        where: the head, for errors.

    Returns:
        (h, w, *channels) float32.

    Raises:
        DataError: the target has another shape.
    """
    size = (*sample.image.shape[:2], *channels)
    array = sample.targets.get(target)
    if array is None:
        return np.zeros((*grid_size(size, stride), *channels), np.float32)
    if array.shape != size:
        numbers = f"{channels[0]} numbers" if channels else "a number"
        raise DataError(
            f"The target {target!r} does not have {numbers} for each pixel of its image",
            expected=f"shape {size}",
            received=f"shape {array.shape}",
            where=f"{where}, sample {sample.id}",
        )
    return cell_centres(array, stride).astype(np.float32)


def mean_weights(is_valid: np.ndarray) -> np.ndarray:
    """Weights of a mean over valid cells: 1/n where valid, else 0.

    >>> mean_weights(np.array([True, False, True])).tolist()
    [0.5, 0.0, 0.5]

    Args:
        is_valid: bool.

    Returns:
        float32, of the same shape.
    """
    return is_valid / np.float32(max(1, int(np.count_nonzero(is_valid))))
