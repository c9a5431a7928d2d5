"""UPGrad: the sum of gradients that are each projected to conflict with none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.train.balance.balancer import balancers
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.gradients.gram_geometry import root
from densefit.train.balance.gradients.nonnegative import nonnegative_least_squares


@balancers.register("upgrad")
class UPGrad(GradientBalancer):
    """Each gradient is projected onto the cone of directions that hurt no head; then their sum.

    Quinton and Rey, Jacobian Descent for Multi-Objective Optimization, 2024, arXiv:2406.16232.
    There the mean, here the sum. An absent head is left out.

    Args:
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    needs_scipy = True

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return np.asarray(sum(projected_to_cone(gram, each) for each in np.eye(len(gram))))


def projected_to_cone(gram: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Project a combination of gradients onto the directions whose products with all are >= 0.

    By the paper's proposition 1 the projection is the combination with the factors
    `v >= factors` that is shortest.

    >>> projected_to_cone(np.array([[1.0, -1.0], [-1.0, 4.0]]), np.array([1.0, 0.0])).round(9)
    array([1.  , 0.25])

    Args:
        gram: (n, n), with a diagonal above 0.
        factors: (n,) factors of the combination.

    Returns:
        (n,) factors of its projection.
    """
    vectors = root(gram)
    lengths = np.sqrt(gram.diagonal())
    more = nonnegative_least_squares(vectors / lengths, -(vectors @ factors))
    return np.asarray(factors + more / lengths)
