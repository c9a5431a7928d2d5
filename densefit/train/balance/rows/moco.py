"""MoCo: the common descent direction of averaged gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.train.balance.balancer import balancers, check_number
from densefit.train.balance.gradients.gram import gram_matrix, weighted_sum
from densefit.train.balance.rows.balancer import RowBalancer
from densefit.train.balance.rows.db_mtl import NO_FACTORS
from densefit.train.balance.shares import Shares, on_simplex


@balancers.register("moco")
class MoCo(RowBalancer):
    """Weighted sum of averaged gradients, whose weights descend on the length of the sum.

    Fernando et al., Mitigating Gradient Bias in Multi-objective Learning, ICLR 2023, algorithm 1:
    `average += beta (gradient - average)`, and weights on the simplex,
    `w <- projection of w - gamma (averages averages^T + rho I) w`. The sum of `w average` is
    multiplied by the number of heads. Averages begin with the first gradients. The sum has the
    weights after their step, as in LibMTL; in the paper, before it. LibMTL also scales each
    gradient to the length of its loss, begins with averages of 0, and takes a softmax where the
    paper projects.

    An absent head keeps its average and its weight among all, and adds nothing to the update.

    Args:
        beta: share of the present gradient in the average, above 0, 1 at most.
        gamma: step of the weights, above 0; its unit is that of 1 / (gradient length)^2.
        rho: pull towards equal weights, 0 or more.
        at: "parameters" alone: features belong to an update's samples.
        every: 1 alone: there are no factors to use again.
        accumulated: "all" alone.
    """

    row_name = "average"
    refused = {**RowBalancer.refused, "every": NO_FACTORS, "accumulated": NO_FACTORS}

    def __init__(
        self,
        beta: float = 0.5,
        gamma: float = 0.1,
        rho: float = 0.0,
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(at=at, every=every, accumulated=accumulated)
        check_number("beta", beta, "above 0, 1 at most", lambda share: 0 < share <= 1, "MoCo")
        check_number("gamma", gamma, "above 0", lambda step: step > 0, "MoCo")
        check_number("rho", rho, "0 or more", lambda pull: pull >= 0, "MoCo")
        self.beta, self.gamma, self.rho = beta, gamma, rho

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._shares = Shares(self.heads)

    def _combine_rows(self, gradients: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        for head, gradient in zip(heads, gradients):
            row = self._rows.get(head)
            moved = gradient if row is None else row + np.float32(self.beta) * (gradient - row)
            self._rows[head] = moved
        rows = np.stack([self._rows[head] for head in heads])
        w = self._shares.among(heads)
        w = on_simplex(w - self.gamma * (gram_matrix(rows) @ w + self.rho * w))
        self._shares.move(heads, w)
        return weighted_sum(len(heads) * w, rows)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "weights": dict(self._shares.by_head)}

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        self._shares = Shares(self.heads, state["weights"])
