"""Maps at the coarser grid that heads are trained at: a cell for every few pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


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
