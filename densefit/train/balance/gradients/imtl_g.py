"""IMTL-G: a direction that lies equally along all gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.train.balance.balancer import balancers
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.gradients.gram_geometry import inverse

LEAST = 1e-12  # of the factors' sum, below which no direction lies equally along all


@balancers.register("imtl_g")
class IMTLG(GradientBalancer):
    """Factors for which the sum's projections on all gradients are equally long.

    Liu et al., Towards Impartial Multi-Task Learning, ICLR 2021, section 3.1; with a pseudoinverse
    where gradients depend on each other (arXiv:2406.16232). The factors add up to the number of
    heads (in the paper, to 1); they may be negative, and large where gradients nearly cancel. If
    they cannot add up, as those of two opposite gradients, the trunk has no step. An absent head is
    left out.

    Args:
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        gram = gram / gram.diagonal().max()
        equal = inverse(gram) @ np.sqrt(gram.diagonal())
        total = equal.sum()
        if abs(total) < LEAST * np.abs(equal).sum() or total == 0.0:
            return np.zeros(len(gram))
        return np.asarray(len(gram) * equal / total)
