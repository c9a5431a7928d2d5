"""MoDo: weights that descend on products of independent gradients."""

from __future__ import annotations

import numpy as np

from densefit.train.balance.balancer import balancers, check_number
from densefit.train.balance.independent.balancer import IndependentBalancer
from densefit.train.balance.shares import on_simplex


@balancers.register("modo")
class MoDo(IndependentBalancer):
    """Weights w on the simplex: `w <- projection of w - gamma (J1 J2^T w + rho w)`.

    Chen, Fernando, Ying and Chen, Three-Way Trade-Off in Multi-Objective Learning, JMLR 2024
    (NeurIPS 2023), arXiv:2305.20057, equations 2.9: J1 and J2 are the gradients of two independent
    micro-batches, and the update applies the weights to the mean of both. As TorchJD's
    `MoDoWeighting`, times the number of heads; LibMTL draws a third batch for the update. An absent
    head is left out.

    Args:
        gamma: step of the weights, above 0; its unit is that of 1 / (gradient length)^2.
        rho: pull towards equal weights, 0 or more.
        at: "parameters" alone: features of two micro-batches are of different samples.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" alone.
    """

    def __init__(
        self,
        gamma: float = 0.1,
        rho: float = 0.1,
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(at=at, every=every, accumulated=accumulated)
        check_number("gamma", gamma, "above 0", lambda step: step > 0, "MoDo")
        check_number("rho", rho, "0 or more", lambda pull: pull >= 0, "MoDo")
        self.gamma, self.rho = gamma, rho

    def _moved(self, shares: np.ndarray, products: np.ndarray) -> np.ndarray:
        return on_simplex(shares - self.gamma * (products @ shares + self.rho * shares))
