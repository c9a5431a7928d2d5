"""MGDA: the shortest gradient among all averages of the heads' gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.train.balance.balancer import balancers
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.gradients.gram_geometry import root
from densefit.train.balance.gradients.nonnegative import nonnegative_least_squares


@balancers.register("mgda")
class MGDA(GradientBalancer):
    """The shortest convex combination of the gradients: no head's loss rises along it.

    Sener and Koltun, Multi-Task Learning as Multi-Objective Optimization, NeurIPS 2018,
    arXiv:1810.04650; with `at="features"` it is their MGDA-UB. The weights are exact, where the
    paper approaches them by Frank-Wolfe steps, and are multiplied by the number of heads. Heads
    with short gradients weigh most. An absent head is left out.

    Args:
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    needs_scipy = True

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return len(gram) * shortest(gram)


def shortest(gram: np.ndarray) -> np.ndarray:
    """Return the (n,) weights, with sum 1, of the shortest convex combination of gradients.

    The weights w also minimise `|s A w|^2 + (s - 1)^2` over their sum s, for each direction of w:
    nonnegative least squares.

    >>> shortest(np.array([[1.0, 0.0], [0.0, 4.0]])).round(12).tolist()
    [0.8, 0.2]

    Args:
        gram: (n, n), with a diagonal above 0.
    """
    vectors = root(gram) / np.sqrt(gram.diagonal().min())
    target = np.append(np.zeros(len(gram)), 1.0)
    w = nonnegative_least_squares(np.vstack([vectors, np.ones(len(gram))]), target)
    return np.asarray(w / w.sum())
