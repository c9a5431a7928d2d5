"""GradVac: gradients turned towards the angles that they usually have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.train.balance.balancer import balancers, check_number
from densefit.train.balance.gradients.drawn import DrawnBalancer
from densefit.train.balance.gradients.pcgrad import drawn_orders

STREAM = 4  # separates these draws from others of the same (seed, update)
EPSILON = 1e-8


@balancers.register("gradvac")
class GradVac(DrawnBalancer):
    """Sum of gradients, each turned to have at least its usual cosine with the rest.

    Wang, Tsvetkov, Firat and Cao, Gradient Vaccine, ICLR 2021, arXiv:2010.05874, algorithm 1, with
    one group of all compared parameters. The usual cosines are moving averages, 0 at first. The
    order in which a gradient meets the rest is drawn from (seed, number of comparisons) and the
    heads' names. An absent head changes none of the averages.

    Args:
        beta: share of an update's cosine in its average, above 0 to 1.
        seed: seed of the orders, 0 or more.
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    stream = STREAM

    def __init__(
        self,
        beta: float = 0.5,
        seed: int = 0,
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(seed, at=at, every=every, accumulated=accumulated)
        check_number("beta", beta, "above 0 to 1", lambda b: 0 < b <= 1, "GradVac")
        self.beta = beta

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        super()._begin(total, updates_per_epoch)
        self._usual: dict[str, dict[str, float]] = {head: {} for head in self.heads}

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        orders = drawn_orders(self.heads, heads, self.next_draw())
        total = np.zeros(len(gram))
        for number, order in enumerate(orders):
            factors = np.eye(len(gram))[number]  # of the turned gradient, as a sum of gradients
            usual = self._usual[heads[number]]
            for other in order:
                goal = usual.get(heads[other], 0.0)
                length, there = np.sqrt([max(factors @ gram @ factors, 0.0), gram[other, other]])
                cosine = factors @ gram[:, other] / ((length + EPSILON) * there)
                if cosine < goal:
                    sine, goal_sine = np.sqrt(np.maximum(1 - np.array([cosine, goal]) ** 2, 0))
                    turn = length * (goal * sine - cosine * goal_sine)
                    factors[other] += turn / (there * (goal_sine + EPSILON))
                usual[heads[other]] = float((1 - self.beta) * goal + self.beta * cosine)
            total += factors
        return total

    def state_dict(self) -> dict[str, Any]:
        usual = {head: dict(cosines) for head, cosines in self._usual.items()}
        return {**super().state_dict(), "usual": usual}

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        self._usual = {head: dict(cosines) for head, cosines in state["usual"].items()}
