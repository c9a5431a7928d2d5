"""Random gradient weighting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.train.balance.balancer import balancers
from densefit.train.balance.gradients.drawn import DrawnBalancer
from densefit.train.balance.rlw import softmax

STREAM = 3  # separates these draws from others of the same (seed, update)


@balancers.register("rgw")
class RGW(DrawnBalancer):
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

    stream = STREAM

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        rng = np.random.default_rng(self.next_draw())
        drawn = dict(zip(sorted(self.heads), rng.standard_normal(len(self.heads))))
        return len(heads) * softmax(np.array([drawn[head] for head in heads]))
