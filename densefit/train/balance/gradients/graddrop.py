"""GradDrop: one sign for each number of the gradient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.train.balance.balancer import balancers, check_number
from densefit.train.balance.gradients.drawn import DrawnBalancer

STREAM = 5  # separates these draws from others of the same (seed, update)
NO_FACTORS = (
    "There are no factors to use in another update: gradients are combined number by number"
)


@balancers.register("graddrop")
class GradDrop(DrawnBalancer):
    """For each number, the sum of the heads' gradients of one sign, which is drawn.

    Chen et al., Just Pick a Sign, NeurIPS 2020, arXiv:2010.06808, algorithm 1: positive with the
    positive share of the absolute values. The draws follow from (seed, number of comparisons). The
    paper's gradients are those of the features; nothing is multiplied with their signs before. An
    absent head changes nothing.

    Gradients are combined number by number, so `every` is 1 and `accumulated` is "all".

    Args:
        leak: share of the other sign's gradients that passes, 0 to 1: 1 is the plain sum.
        seed: seed of the draws, 0 or more.
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    compares_numbers = True
    refused = {"every": NO_FACTORS, "accumulated": NO_FACTORS}
    stream = STREAM

    def __init__(
        self,
        leak: float = 0.0,
        seed: int = 0,
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(seed, at=at, every=every, accumulated=accumulated)
        check_number("leak", leak, "0 to 1", lambda share: 0 <= share <= 1, "GradDrop")
        self.leak = leak

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return np.ones(len(heads))

    def _combined(self, factors: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        if np.count_nonzero(factors) < 2:
            return super()._combined(factors, gradients)
        rng = np.random.default_rng(self.next_draw())
        draws = rng.random(gradients.shape[1], np.float32)
        return with_drawn_signs(gradients, draws, self.leak)


def with_drawn_signs(gradients: np.ndarray, draws: np.ndarray, leak: float) -> np.ndarray:
    """Sum the numbers of one sign of each column.

    >>> with_drawn_signs(np.array([[3.0, 3.0], [-1.0, -1.0]]), np.array([0.7, 0.8]), 0.0).tolist()
    [3.0, -1.0]

    Args:
        gradients: (n, P).
        draws: (P,) in [0, 1); positive numbers pass where it is below their share.
        leak: share of the other numbers that passes.

    Returns:
        (P,) float32.
    """
    positive = np.maximum(gradients, 0).sum(axis=0)
    negative = np.minimum(gradients, 0).sum(axis=0)
    # positive / (positive - negative) > draw, without a division by 0
    passes = positive > draws * (positive - negative)
    chosen = np.where(passes, positive, negative)
    return np.asarray(leak * (positive + negative) + (1 - leak) * chosen, np.float32)
