"""Least squares with nonnegative unknowns, by SciPy."""

from __future__ import annotations

import numpy as np

from densefit.errors import ConfigError


def check_solver(where: str) -> None:
    """Raise ConfigError without SciPy.

    Args:
        where: what needs it.
    """
    try:
        import scipy.optimize  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "Quadratic programs are solved by SciPy, which is not installed",
            where=where,
            fix='pip install "densefit[balance]"',
        ) from error


def nonnegative_least_squares(matrix: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Find x >= 0 that minimises |matrix x - target|, by Lawson and Hanson's active sets.

    >>> nonnegative_least_squares(np.eye(2), np.array([3.0, -1.0])).tolist()
    [3.0, 0.0]

    Args:
        matrix: (m, n).
        target: (m,).

    Returns:
        (n,) float64.
    """
    from scipy.optimize import nnls

    return np.asarray(nnls(matrix, target, maxiter=100 * matrix.shape[1])[0])
