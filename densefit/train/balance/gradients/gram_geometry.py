"""Root and cosines of a Gram matrix, accurate where gradients differ a millionfold in length."""

from __future__ import annotations

import numpy as np


def cosines(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, n) cosines between gradients, and their (n,) lengths.

    >>> cosines(np.array([[4.0, 2.0], [2.0, 4.0]]))[0].tolist()
    [[1.0, 0.5], [0.5, 1.0]]

    Args:
        gram: (n, n), with a diagonal above 0.
    """
    lengths = np.sqrt(gram.diagonal())
    return np.clip(gram / lengths[:, None] / lengths, -1.0, 1.0), lengths


def root(gram: np.ndarray) -> np.ndarray:
    """Return (n, n) vectors, as columns, that have these products.

    >>> vectors = root(np.array([[4.0, 2.0], [2.0, 4.0]]))
    >>> (vectors.T @ vectors).round(12).tolist()
    [[4.0, 2.0], [2.0, 4.0]]

    Args:
        gram: (n, n), with a diagonal above 0.
    """
    angles, lengths = cosines(gram)
    values, vectors = np.linalg.eigh(angles)
    return np.asarray(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T * lengths)


def inverse(matrix: np.ndarray) -> np.ndarray:
    """Return the pseudoinverse of an (n, n) symmetric matrix, without its rounding errors."""
    least = len(matrix) * float(np.finfo(float).eps)
    return np.linalg.pinv(matrix, rcond=least, hermitian=True)
