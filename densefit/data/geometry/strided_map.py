"""Maps at the coarser grid that heads are trained at: a cell for every few pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.data.sample import Sample
from densefit.errors import DataError


def grid_size(size: Sequence[int], stride: int) -> tuple[int, int]:
    """(rows, columns) of the cells of `stride` pixels that cover a picture of (height, width).

    >>> grid_size((32, 45), 4)
    (8, 12)
    """
    return -(-size[0] // stride), -(-size[1] // stride)


def cell_centres(array: np.ndarray, stride: int) -> np.ndarray:
    """The pixel in the middle of every cell: nothing is mixed, and what is unknown stays so.

    >>> cell_centres(np.eye(6), 4).tolist()
    [[1.0, 0.0], [0.0, 1.0]]

    Args:
        array: (H, W, ...) of any type.
        stride: pixels a cell, in each direction.

    Returns:
        (h, w, ...), a new array. Edge cells of a size that `stride` does not divide may have no
        middle: they take the last pixel.
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
    """A sample's map of numbers in the middle of every cell; zeros if it has no such target.

    Args:
        sample: whose map it is.
        target: its name.
        channels: of each pixel: () for one number, (3,) for a vector of three.
        stride: pixels a cell.
        where: who reads it, to be named in errors.

    Returns:
        (h, w, *channels) float32.

    Raises:
        DataError: the target is no such map of the picture's size.
    """
    size = (*sample.image.shape[:2], *channels)
    array = sample.targets.get(target)
    if array is None:
        return np.zeros((*grid_size(size, stride), *channels), np.float32)
    if array.shape != size:
        numbers = f"{channels[0]} numbers" if channels else "a number"
        raise DataError(
            f"The target {target!r} has not {numbers} for each pixel of its picture",
            expected=f"shape {size}",
            received=f"shape {array.shape}",
            where=f"{where}, sample {sample.id}",
        )
    return cell_centres(array, stride).astype(np.float32)


def mean_weights(known: np.ndarray) -> np.ndarray:
    """What each cell counts in a mean over the known ones: alike, adding up to 1; 0 if none is.

    >>> mean_weights(np.array([True, False, True])).tolist()
    [0.5, 0.0, 0.5]

    Args:
        known: bool.

    Returns:
        float32, of the same shape.
    """
    return known / np.float32(max(1, np.count_nonzero(known)))
