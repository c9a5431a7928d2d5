"""Gram matrix and weighted sums of gradients."""

from __future__ import annotations

import numpy as np

COLUMNS = 1 << 16  # float64 copies of this many columns at a time


def gram_matrix(gradients: np.ndarray) -> np.ndarray:
    """Compute the scalar products of all pairs of rows.

    Summed in float64: conflicts are signs of sums that nearly cancel, over millions of numbers.

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


def weighted_sum(factors: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Sum the rows, each times its factor.

    Summed in float64: where gradients nearly cancel, CAGrad's factors are a million times as
    large as their sum.

    >>> weighted_sum(np.array([1e6, -1e6]), np.array([[1.0, 4.0], [0.75, 4.0]], np.float32))
    array([250000.,      0.], dtype=float32)

    Args:
        factors: (n,).
        gradients: (n, P).

    Returns:
        (P,) float32.
    """
    total = np.empty(gradients.shape[1], np.float32)
    for start in range(0, len(total), COLUMNS):
        part = gradients[:, start : start + COLUMNS].astype(np.float64)
        total[start : start + COLUMNS] = factors @ part
    return total
