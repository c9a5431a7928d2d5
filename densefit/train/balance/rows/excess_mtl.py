"""ExcessMTL: more weight for heads that are far from their optimum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.numeric import check_whole
from densefit.train.balance.balancer import balancers, check_number
from densefit.train.balance.gradients.gram import weighted_sum
from densefit.train.balance.rlw import softmax
from densefit.train.balance.rows.balancer import RowBalancer
from densefit.train.balance.shares import Shares

LEAST = 1e-7  # under the root, as in the authors' code


@balancers.register("excess_mtl")
class ExcessMTL(RowBalancer):
    """Weights that grow with the excess risk: how far a head's loss is above its least value.

    He et al., Robust Multi-Task Learning with Excess Risks, ICML 2024, arXiv:2402.02009, equations
    6 to 9: excess = sum of g^2 / sqrt(sum of g^2 over all updates), over the parameters, divided by
    its mean in the first `warmup` updates; weights times exp(lr excess), on the simplex. The
    weights are multiplied by the number of heads. As TorchJD from `warmup` = 1 on; without a
    warm-up TorchJD, LibMTL and the authors add the first excess in its unit, here it is divided by
    itself, which moves nothing.

    A head that is absent keeps its sums and its weight among all; each head has a warm-up of its
    updates.

    Args:
        lr: step of the weights' logarithms, above 0 (1e-2 in LibMTL, 1 in TorchJD).
        warmup: updates with equal weights whose mean excess is the unit, 1 or more (the paper:
            three epochs).
        at: "parameters" alone: features belong to an update's samples.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    row_name = "squares"

    def __init__(
        self,
        lr: float = 0.01,
        warmup: int = 1,
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(at=at, every=every, accumulated=accumulated)
        check_number("lr", lr, "above 0", lambda step: step > 0, "ExcessMTL")
        check_whole(warmup, "warmup", 1, where="ExcessMTL")
        self.lr, self.warmup = lr, warmup

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._shares = Shares(self.heads)
        self._counts: dict[str, int] = {}  # updates of a head
        self._first: dict[str, float] = {}  # sum of its excess in the warm-up

    def _combine_rows(self, gradients: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        if not self._rows:
            self._begin(None, None)
        moving, growth = [], []
        for head, gradient in zip(heads, gradients):
            square = np.square(gradient)
            self._rows[head] = self._rows[head] + square if head in self._rows else square
            excess = float(np.sum(square / np.sqrt(self._rows[head] + LEAST), dtype=np.float64))
            self._counts[head] = self._counts.get(head, 0) + 1
            if self._counts[head] <= self.warmup:
                self._first[head] = self._first.get(head, 0.0) + excess
            else:
                moving.append(head)
                growth.append(self.lr * excess / (self._first[head] / self.warmup + LEAST))
        if len(moving) > 1:
            shares = np.maximum(self._shares.among(moving), np.finfo(float).tiny)
            self._shares.move(moving, softmax(np.log(shares) + growth))
        factors = len(heads) * self._shares.among(heads)
        self._last.update(zip(heads, factors.tolist()))
        return weighted_sum(factors, gradients)

    def state_dict(self) -> dict[str, Any]:
        state = {"weights": dict(self._shares.by_head), "counts": dict(self._counts)}
        return {**super().state_dict(), **state, "first": dict(self._first)}

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        self._shares = Shares(self.heads, state["weights"])
        self._counts, self._first = dict(state["counts"]), dict(state["first"])
