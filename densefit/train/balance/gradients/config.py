"""ConFIG: the direction with equal cosines to all gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.train.balance.balancer import balancers
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.gradients.gram_geometry import cosines, inverse


@balancers.register("config")
class ConFIG(GradientBalancer):
    """The direction with equal cosines to all gradients, as long as their projections together.

    Liu, Chu and Thuerey, ConFIG: Towards Conflict-free Training of Physics Informed Neural
    Networks, ICLR 2025, arXiv:2408.11104, equation 2. Where no direction has equal cosines, as with
    opposite gradients, the nearest in least squares. An absent head is left out.

    Args:
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        angles, lengths = cosines(gram)
        along = inverse(angles).sum(axis=1)  # factors on gradients of length 1
        square = max(along @ angles @ along, 0.0)
        if square <= len(gram) * np.finfo(float).eps * (along @ along) or square == 0.0:
            return np.zeros(len(gram))
        together = (lengths * (angles @ along)).sum()  # the projections', times sqrt(square)
        return np.asarray(along / lengths * together / square)
