"""PCGrad: projection of conflicting gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.train.balance.balancer import Balancer, balancers
from densefit.train.balance.rlw import check_seed

STREAM = 2  # separates these draws from others of the same (seed, update)


@balancers.register("pcgrad")
class PCGrad(Balancer):
    """Sum of gradients, each without its components that oppose another head's gradient.

    Yu, Kumar, Gupta, Levine, Hausman and Finn, Gradient Surgery for Multi-Task Learning, NeurIPS
    2020, arXiv:2001.06782, algorithm 1. The order of projections is drawn from (seed, number
    of combinations) and the heads' names. An absent head, whose gradient is zero, conflicts with
    none.

    Args:
        seed: seed of the orders, 0 or more.
    """

    needs = "gradients"
    cost = "a backward pass of the shared parameters for each head, and memory for its gradient"

    def __init__(self, seed: int = 0) -> None:
        check_seed(seed, "PCGrad")
        self.seed = seed

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._done = 0

    def weights(self, update: int) -> dict[str, float]:
        return dict.fromkeys(self.heads, 1.0)

    def _factors(self, gram: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng((self.seed, self._done, STREAM))
        self._done += 1
        by_name = np.argsort(self.heads)
        orders: list[Sequence[int]] = [()] * len(gram)
        for head in by_name:
            orders[head] = [other for other in rng.permutation(by_name) if other != head]
        return projected(gram, orders)

    def state_dict(self) -> dict[str, Any]:
        return {"done": self._done}

    def _load(self, state: Mapping[str, Any]) -> None:
        self._done = int(state["done"])


def projected(gram: np.ndarray, orders: Sequence[Sequence[int]]) -> np.ndarray:
    """Return each gradient's factor in the sum of the projected gradients.

    Projections of gradients on each other are sums of gradients, so their Gram matrix suffices.

    >>> projected(np.array([[1.0, -1.0], [-1.0, 4.0]]), [[1], [0]])
    array([2.  , 1.25])

    Args:
        gram: (n, n) products of the gradients.
        orders: for each gradient, the others in the order in which it is projected.

    Returns:
        (n,) factors on the gradients.
    """
    total = np.zeros(len(gram))
    for number, order in enumerate(orders):
        factors = np.zeros(len(gram))  # of the projected gradient, as a sum of gradients
        factors[number] = 1.0
        for other in order:
            product = factors @ gram[:, other]
            if product < 0:  # then the other's length is not 0
                factors[other] -= product / gram[other, other]
        total += factors
    return total
