"""Equal weights, and a record of how the heads' gradients relate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from densefit.train.balance.balancer import balancers
from densefit.train.balance.gradients.balancer import GradientBalancer


@balancers.register("observed")
class Observed(GradientBalancer):
    """Add up the losses, and measure how much each head's step does for each other head.

    A step along the gradient of head a lowers the loss of head b by their product, to first order:
    the inter-task affinity of Fifty et al., Efficiently Identifying Task Groupings for Multi-Task
    Learning, NeurIPS 2021, arXiv:2109.04617, without its trial steps. Divided by what head b's
    own step does, it has no unit. `densefit plan-tasks` reads it from the checkpoints of a run.
    Averages are over the updates in which both heads have labels; an absent head counts in none.

    Args:
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.
    """

    at = "features"
    every = 20

    def __init__(self, *, at: str = "features", every: int = 20, accumulated: str = "all") -> None:
        super().__init__(at=at, every=every, accumulated=accumulated)
        self._sums: dict[str, dict[str, float]] = _no_sums()

    def begin(
        self, heads: Sequence[str], total: int | None = None, updates_per_epoch: int | None = None
    ) -> None:
        super().begin(heads, total, updates_per_epoch)
        self._sums = _no_sums()

    def factors(self, gram: np.ndarray) -> np.ndarray:
        result = super().factors(gram)
        lengths = np.sqrt(np.maximum(gram.diagonal(), 0))
        for first, second in permutations(np.flatnonzero(lengths > 0), 2):
            pair = f"{self.heads[first]}/{self.heads[second]}"
            values = {
                "updates": 1.0,
                "cosines": gram[first, second] / (lengths[first] * lengths[second]),
                "products": gram[first, second],
                "squares": gram[second, second],
            }
            for name, value in values.items():
                self._sums[name][pair] = self._sums[name].get(pair, 0.0) + float(value)
        return result

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), **{name: dict(sums) for name, sums in self._sums.items()}}

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        self._sums = {name: dict(state[name]) for name in _no_sums()}

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return np.ones(len(gram))


def _no_sums() -> dict[str, dict[str, float]]:
    return {"updates": {}, "cosines": {}, "products": {}, "squares": {}}


def affinity(state: Mapping[str, Any]) -> dict[str, tuple[float, float, int]]:
    """What an `Observed` has measured, from its state.

    >>> sums = {"updates": {"a/b": 2.0}, "cosines": {"a/b": 0.5}, "products": {"a/b": 3.0}}
    >>> affinity({**sums, "squares": {"a/b": 6.0}})
    {'a/b': (0.5, 0.25, 2)}

    Args:
        state: its `state_dict()`, as checkpoints have it.

    Returns:
        "<head>/<head>" -> (what a step for the first head does for the second, as a share of what
        a step for the second does: above 0 it helps; the mean cosine; number of updates).
    """
    return {
        pair: (
            state["products"][pair] / state["squares"][pair],
            state["cosines"][pair] / count,
            int(count),
        )
        for pair, count in state["updates"].items()
    }


def mean_squares(state: Mapping[str, Any]) -> dict[str, float]:
    """Head -> mean square of its gradient, from the state of an `Observed`.

    >>> mean_squares({"updates": {"a/b": 2.0, "b/a": 2.0}, "squares": {"a/b": 6.0, "b/a": 8.0}})
    {'b': 3.0, 'a': 4.0}
    """
    sums: dict[str, float] = {}
    counts: dict[str, float] = {}
    for pair, square in state["squares"].items():
        head = pair.split("/")[1]
        sums[head] = sums.get(head, 0.0) + square
        counts[head] = counts.get(head, 0.0) + state["updates"][pair]
    return {head: total / counts[head] for head, total in sums.items()}
