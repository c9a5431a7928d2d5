"""The products of gradients with each other: all that the geometric methods look at."""

from __future__ import annotations

import numpy as np

COLUMNS = 1 << 16  # float64 copies of this many columns at a time


def gram_matrix(gradients: np.ndarray) -> np.ndarray:
    """Scalar products of all rows with each other.

    Added up in float64: conflicts are signs of sums that nearly cancel, over millions of numbers.

    >>> gram_matrix(np.array([[3.0, 4.0], [1.0, 0.0]], np.float32)).tolist()
    [[25.0, 3.0], [3.0, 1.0]]

    Args:
        gradients: (n, P).

    Returns:
        (n, n) float64; nan or infinite where a row is.
    """
    total = np.zeros((len(gradients), len(gradients)))
    with np.errstate(invalid="ignore", over="ignore"):
        for start in range(0, gradients.shape[1], COLUMNS):
            part = gradients[:, start : start + COLUMNS].astype(np.float64)
            total += part @ part.T
    return total
