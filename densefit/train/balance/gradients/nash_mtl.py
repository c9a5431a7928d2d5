"""Nash-MTL: the bargaining solution of the heads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.train.balance.balancer import balancers
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.gradients.fair_products import fair_factors


@balancers.register("nash_mtl")
class NashMTL(GradientBalancer):
    """The direction that maximises the sum of the logarithms of the heads' gains.

    Navon et al., Multi-Task Learning as a Bargaining Game, ICML 2022, arXiv:2202.01017: factors w
    above 0 with `gram w = 1 / w`, independent of the units of the losses. They are found exactly,
    where the paper solves a sequence of approximations, and have a mean of 1, where the paper's sum
    has the length sqrt(heads), cut to 1. Gradients that can cancel have no solution: the sum is
    then nearly 0. An absent head is left out.

    Args:
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return fair_factors(gram, 1.0)
