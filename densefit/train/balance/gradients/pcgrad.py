"""PCGrad: projection of conflicting gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.train.balance.balancer import balancers
from densefit.train.balance.gradients.drawn import DrawnBalancer

STREAM = 2  # separates these draws from others of the same (seed, update)


@balancers.register("pcgrad")
class PCGrad(DrawnBalancer):
    """Sum of gradients, each without its components that oppose another head's gradient.

    Yu, Kumar, Gupta, Levine, Hausman and Finn, Gradient Surgery for Multi-Task Learning, NeurIPS
    2020, arXiv:2001.06782, algorithm 1. The order of projections is drawn from (seed, number
    of combinations) and the heads' names. An absent head, whose gradient is zero, conflicts with
    none.

    Args:
        seed: seed of the orders, 0 or more.
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    stream = STREAM

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        orders = drawn_orders(self.heads, heads, self.next_draw())
        return projected(gram, orders)


def drawn_orders(
    heads: Sequence[str], present: Sequence[str], seed: Sequence[int]
) -> list[list[int]]:
    """Draw, for each head, the order of the others, independent of the order of the names.

    Args:
        heads: names of all heads, for which the orders are drawn.
        present: names of those that are in the update.
        seed: seed of the draws.

    Returns:
        For each head of `present`, the numbers in `present` of the others.
    """
    rng, by_name = np.random.default_rng(seed), sorted(heads)
    drawn = {head: [by_name[n] for n in rng.permutation(len(by_name))] for head in by_name}
    numbers = {head: number for number, head in enumerate(present)}
    return [
        [numbers[other] for other in drawn[head] if other != head and other in numbers]
        for head in present
    ]


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
