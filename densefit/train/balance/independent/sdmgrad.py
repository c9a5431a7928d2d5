"""SDMGrad: a common direction near the mean gradient, from independent micro-batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.numeric import check_whole
from densefit.train.balance.balancer import balancers, check_number
from densefit.train.balance.independent.balancer import IndependentBalancer
from densefit.train.balance.shares import on_simplex


@balancers.register("sdmgrad")
class SDMGrad(IndependentBalancer):
    """Weights `(w + near / n) / (1 + near)`, w by projected steps from those of the update before.

    Xiao, Ban and Ji, Direction-oriented Multi-objective Learning, NeurIPS 2023, arXiv:2305.18409,
    algorithm 1: w descends on the products J1 J2^T of two independent micro-batches, divided by
    the mean length squared, as in the authors' code. As TorchJD's `SDMGradWeighting`, times the
    number of heads. The paper, LibMTL and TorchJD apply the weights to a third batch; here they
    apply to all micro-batches of the update, as in MoDo. An absent head is left out.

    Args:
        near: how much the direction is drawn to the mean gradient, 0 or more (lambda).
        lr: learning rate of w, above 0.
        momentum: momentum of w within an update, 0 to below 1.
        steps: steps of w in an update, 1 or more.
        at: "parameters" alone: features of two micro-batches are of different samples.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" alone.
    """

    def __init__(
        self,
        near: float = 0.3,
        lr: float = 10.0,
        momentum: float = 0.5,
        steps: int = 20,
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(at=at, every=every, accumulated=accumulated)
        check_number("near", near, "0 or more", lambda pull: pull >= 0, "SDMGrad")
        check_number("lr", lr, "above 0", lambda rate: rate > 0, "SDMGrad")
        check_number("momentum", momentum, "0 to below 1", lambda m: 0 <= m < 1, "SDMGrad")
        check_whole(steps, "steps", 1, where="SDMGrad")
        self.near, self.lr, self.momentum, self.steps = near, lr, momentum, steps

    def _moved(self, shares: np.ndarray, products: np.ndarray) -> np.ndarray:
        scale = np.sqrt(np.maximum(products.diagonal(), 0)).mean()
        products, mean = products / (scale**2 + 1e-8), 1.0 / len(shares)
        velocity = np.zeros(len(shares))
        for _ in range(self.steps):
            velocity = self.momentum * velocity + products @ (shares + self.near * mean)
            shares = on_simplex(shares - self.lr * velocity)
        return shares

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return (super()._factors(gram, heads) + self.near) / (1 + self.near)
