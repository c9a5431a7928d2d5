"""Geometric loss strategy."""

from __future__ import annotations

import numpy as np

from densefit.train.balance.balancer import balancers
from densefit.train.balance.last_losses import LastLossBalancer


@balancers.register("gls")
class GLS(LastLossBalancer):
    """Descent on the geometric mean of the losses: weights are inversely as their losses.

    Chennupati et al., MultiNet++, CVPR Workshops 2019, arXiv:1904.08492: the gradient of
    `(L_1 ... L_n)^(1/n)` times n has the weights `(L_1 ... L_n)^(1/n) / L_k`, here with the losses
    of the update before. Losses in any unit count equally. An absent head keeps its last loss.
    """

    cost = "one number a head and update; no further pass"

    def _weights(self, losses: np.ndarray, heads: list[str]) -> np.ndarray:
        return np.asarray(np.exp(np.log(losses).mean()) / losses)
