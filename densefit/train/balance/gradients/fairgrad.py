"""FairGrad: gains of the heads that are fair in a chosen degree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.train.balance.balancer import balancers, check_number
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.gradients.fair_products import fair_factors


@balancers.register("fairgrad")
class FairGrad(GradientBalancer):
    """The direction that maximises the heads' alpha-fair utility.

    Ban and Ji, Fair Resource Allocation in Multi-Task Learning, ICML 2024, arXiv:2402.15638:
    factors w above 0 with `gram w = w^(-1 / alpha)`, found exactly, with a mean of 1. An absent
    head is left out.

    Args:
        alpha: degree of fairness, above 0: near 0 the plain sum, 1 as Nash-MTL, larger towards the
            head that gains least.
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    def __init__(
        self,
        alpha: float = 2.0,
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(at=at, every=every, accumulated=accumulated)
        check_number("alpha", alpha, "0.1 to 100", lambda a: 0.1 <= a <= 100, "FairGrad")
        self.alpha = alpha

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return fair_factors(gram, 1.0 / self.alpha)
