"""Conflict-averse gradient descent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.train.balance.balancer import balancers, check_number
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.gradients.simplex import least_on_simplex

SMOOTH = 1e-6  # of the mean gradient's length: what lengths are rounded off by at 0


@balancers.register("cagrad")
class CAGrad(GradientBalancer):
    """The direction near the mean gradient along which the worst-off head gains most.

    Liu, Liu, Jin, Stone and Liu, Conflict-Averse Gradient Descent, NeurIPS 2021,
    arXiv:2110.14048: d that maximises `min_k <g_k, d>` within `|d - g_0| <= c |g_0|`, g_0 the
    mean. Its dual, over convex combinations g_w of the gradients, is solved for any number of
    heads, see `least_on_simplex`. d is not rescaled; the result is d times the number of heads, at
    the scale of the gradients' sum.

    An absent head is left out. A single remaining head has its plain gradient, and not 1 + c times
    it: there is no worse-off head to go towards, and a learning rate means the same.

    Args:
        c: 0 (plain descent) to below 1, for which it converges as plain descent does.
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    def __init__(
        self,
        c: float = 0.4,
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(at=at, every=every, accumulated=accumulated)
        check_number("c", c, "0 to below 1", lambda value: 0 <= value < 1, "CAGrad")
        self.c = c

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return len(gram) * averse(gram, self.c)


def averse(gram: np.ndarray, c: float) -> np.ndarray:
    """Return CAGrad's direction as factors on the gradients.

    The dual's function of w is `g_w . g_0 + c |g_0| |g_w|`. Where the gradients can cancel, |g_w|
    has a kink at 0, where the direction of g_w is undefined; rounded off by a millionth of |g_0|,
    the direction there is the limit that solves the problem.

    >>> averse(np.array([[1.0, 0.0], [0.0, 1.0]]), 0.4).round(3)
    array([0.7, 0.7])

    Args:
        gram: (n, n) products of the gradients, none of which is zero.
        c: radius, in lengths of the mean gradient.

    Returns:
        (n,) factors on the gradients.
    """
    count = len(gram)
    mean = np.full(count, 1.0 / count)
    length = np.sqrt(max(mean @ gram @ mean, 0.0))  # of g_0
    if length == 0.0 or c == 0.0:
        return mean
    gram = gram / length**2
    w = least_on_simplex(gram, gram @ mean, c, SMOOTH)
    return np.asarray(mean + c * w / np.sqrt(max(w @ gram @ w, 0.0) + SMOOTH**2))
