"""Random gradient weighting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.train.balance.balancer import balancers
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.rlw import check_seed, softmax

STREAM = 3  # separates these draws from others of the same (seed, update)


@balancers.register("rgw")
class RGW(GradientBalancer):
    """Random factors on the trunk's gradients: softmax of normal draws, times the number of heads.

    Lin, Ye, Zhang and Tsang, Reasonable Effectiveness of Random Weighting, TMLR 2022,
    arXiv:2111.10603; a head's parameters have its plain gradient, unlike in `rlw`. They follow from
    (seed, number of draws) and the heads' names. An absent head is left out.

    Args:
        seed: seed of the draws, 0 or more.
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(at=at, every=every, accumulated=accumulated)
        check_seed(seed, "RGW")
        self.seed = seed

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._done = 0

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        rng = np.random.default_rng((self.seed, self._done, STREAM))
        self._done += 1
        drawn = dict(zip(sorted(self.heads), rng.standard_normal(len(self.heads))))
        return len(heads) * softmax(np.array([drawn[head] for head in heads]))

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "done": self._done}

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        self._done = int(state["done"])
