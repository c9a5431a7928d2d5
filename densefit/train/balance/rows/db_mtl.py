"""DB-MTL: logarithms of the losses, and averaged gradients of one length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.train.balance.balancer import balancers, check_number
from densefit.train.balance.dwa import by_head, check_losses
from densefit.train.balance.gradients.gram import weighted_sum
from densefit.train.balance.rows.balancer import RowBalancer

LEAST = 1e-8  # added to a loss before its logarithm, as in LibMTL
NO_FACTORS = "There are no factors to use in another update: averages of gradients are summed"


@balancers.register("db_mtl")
class DBMTL(RowBalancer):
    """Sum of averaged gradients of the losses' logarithms, each brought to the longest's length.

    Lin et al., Dual-Balancing for Multi-Task Learning, 2023, arXiv:2308.12029, algorithm 1: with g
    the gradient of log(loss), `average += (1 - b)(g - average)`, b = beta / k^sigma in the head's
    k-th update, and the sum of `average max_j |average_j| / |average|`. LibMTL begins with an
    average of 0, here it is the first gradient, and transforms the losses of the heads' layers,
    too, which here have their plain gradients. The sum is multiplied by the harmonic mean of the
    losses, so that equal losses and lengths give the sum of the plain gradients.

    An absent head keeps its average, which adds nothing to the update.

    Args:
        beta: share of the earlier average, 0 to below 1.
        sigma: exponent by which that share falls, 0 or more (0 in LibMTL, 0.5 in the paper).
        at: "parameters" alone: features belong to an update's samples.
        every: 1 alone: there are no factors to use again.
        accumulated: "all" alone.
    """

    row_name = "average"
    refused = {**RowBalancer.refused, "every": NO_FACTORS, "accumulated": NO_FACTORS}

    def __init__(
        self,
        beta: float = 0.9,
        sigma: float = 0.5,
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(at=at, every=every, accumulated=accumulated)
        check_number("beta", beta, "0 to below 1", lambda share: 0 <= share < 1, "DBMTL")
        check_number("sigma", sigma, "0 or more", lambda power: power >= 0, "DBMTL")
        self.beta, self.sigma = beta, sigma

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._losses: dict[str, float] = {}  # of the update under way
        self._counts: dict[str, int] = {}  # updates in a head's average

    def _observe(self, losses: dict[str, float]) -> None:
        self._losses = by_head(check_losses(losses, "DBMTL"))

    def _combine_rows(self, gradients: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        if not set(heads) <= set(self._losses):
            raise ConfigError(
                "DBMTL was given gradients before the losses that they are of",
                where="DBMTL.combine",
                fix="observe(losses) first, in each update",
            )
        losses = np.array([self._losses[head] for head in heads]) + LEAST
        if not self._rows:
            self._counts = {}
        for head, gradient, loss in zip(heads, gradients, losses.astype(np.float32)):
            gradient, row = gradient / loss, self._rows.get(head)
            count = self._counts[head] = self._counts.get(head, 0) + 1
            share = np.float32(1 - self.beta / count**self.sigma)
            self._rows[head] = gradient if row is None else row + share * (gradient - row)
        rows = np.stack([self._rows[head] for head in heads])
        lengths = np.sqrt(np.einsum("hp,hp->h", rows, rows, dtype=np.float64)) + LEAST
        harmonic = len(losses) / (1 / losses).sum()
        return weighted_sum(harmonic * lengths.max() / lengths, rows)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "counts": dict(self._counts)}

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        self._counts = dict(state["counts"])
