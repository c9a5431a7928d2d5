"""Base class of the balancers that compare gradients of independent micro-batches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.shares import Shares

OTHER_SAMPLES = (
    "The gradients of two micro-batches are multiplied: those of features belong to other samples"
)


class IndependentBalancer(GradientBalancer):
    """Learn weights from products of gradients that are of different samples.

    The product of two gradients of the same samples is too large by their variance; that of
    independent micro-batches is not. The first micro-batch of an update is compared with the rest,
    which `accumulate` of 2 or more provides, and the update applies the gradients of all of them.
    The last update of an epoch may have one micro-batch: it moves no weights. Nor does a head move
    that has labels in one of the two parts alone.
    """

    is_independent = True
    cost = "a pass per head and micro-batch; needs accumulate of 2 or more"
    refused = {"at": OTHER_SAMPLES, "accumulated": OTHER_SAMPLES}

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._shares = Shares(self.heads)

    def observe_parts(self, first: np.ndarray, rest: np.ndarray) -> None:
        first, rest = self._checked(first), self._checked(rest)
        products = first.astype(np.float64) @ rest.astype(np.float64).T
        self._check_finite(products)
        both = np.flatnonzero((first != 0).any(axis=1) & (rest != 0).any(axis=1))
        if len(both) > 1:
            heads = [self.heads[number] for number in both]
            shares = self._shares.among(heads)
            self._shares.move(heads, self._moved(shares, products[np.ix_(both, both)]))

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return len(heads) * self._shares.among(heads)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "weights": dict(self._shares.by_head)}

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        self._shares = Shares(self.heads, state["weights"])

    @abstractmethod
    def _moved(self, shares: np.ndarray, products: np.ndarray) -> np.ndarray:
        """Return the (n,) weights on the simplex after an update.

        Args:
            shares: (n,) weights before.
            products: (n, n) of the gradients of the first part with those of the rest.
        """
