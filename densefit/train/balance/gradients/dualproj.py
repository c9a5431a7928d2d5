"""DualProj: the sum of gradients, projected to conflict with none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.train.balance.balancer import balancers
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.gradients.upgrad import projected_to_cone


@balancers.register("dualproj")
class DualProj(GradientBalancer):
    """The sum of the gradients, projected onto the cone of directions that hurt no head.

    Lopez-Paz and Ranzato, Gradient Episodic Memory, NeurIPS 2017, arXiv:1706.08840, equation 11,
    as Quinton and Rey apply it to several tasks (arXiv:2406.16232). An absent head is left out.

    Args:
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    needs_scipy = True

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return projected_to_cone(gram, np.ones(len(gram)))
