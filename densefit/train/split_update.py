"""The heads' gradients of an update's features, by one pass of the network in two parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from densefit.data.batch import Batch
from densefit.engine.engine import Engine
from densefit.train.balance.gradients.balancer import GradientBalancer


class SplitUpdate:
    """Compare the gradients of what the trunk hands to the heads, and weigh the trunk's by them.

    Each head runs backward to the features, then the trunk once, with the factors that come of the
    comparison, or of an earlier one. Also serves `at="parameters"` between comparisons.

    With several micro-batches, `accumulated="all"` waits for the products of all of them, and then
    computes the features of all but the last again.

    Args:
        balancer: balancer of gradients.
        learner: engine, bound for training.

    Raises:
        ConfigError: the engine cannot split its passes, or the heads read no common feature.
    """

    def __init__(self, balancer: GradientBalancer, learner: Engine) -> None:
        self._balancer, self._learner = balancer, learner
        where = f"balance={type(balancer).__name__}(at={balancer.at!r}, every={balancer.every})"
        self._passes = learner.split(where)
        self._heads = balancer.heads
        self._compares = self._waits = False
        self._present: Sequence[str] = ()

    def begin(self, update: int, present: Sequence[str]) -> None:
        """Begin an update with labels for some heads."""
        balancer, self._present = self._balancer, present
        self._compares = balancer.at == "features" and balancer.compares(update)
        self._waits = self._compares and balancer.accumulated == "all"
        self._used = balancer.last_factors(present)
        self._gram: np.ndarray = np.zeros((), np.float64)  # grows to (heads, heads)

    def compute(
        self,
        batch: Batch,
        first: bool,
        shares: Mapping[str, float],
        while_computing: Callable[[], None] | None = None,
    ) -> None:
        """Compute a micro-batch; the trunk's backward pass may be left to `finish`."""
        self._passes.heads(batch, first, shares, while_computing)
        if self._waits:
            return
        if self._compares:
            self._gram = self._gram + self._passes.gram()
        self._passes.trunk(self._used)

    def finish(
        self,
        batches: Sequence[Batch],
        present: Sequence[str],
        shares: Mapping[str, float],
        reseed: Callable[[], None] | None,
    ) -> None:
        """Compare the gradients, and run what is left of the trunk's backward passes."""
        if not self._compares:
            return
        scale = self._learner.gradients.mean_factor()
        if not self._waits:
            self._balancer.factors(self._gram * scale**2)
        elif self._balancer.compares_numbers:
            self._passes.combine(lambda rows: self._balancer.combine(rows * scale) / scale)
        else:
            self._passes.trunk(self._balancer.factors(self._passes.gram() * scale**2))
