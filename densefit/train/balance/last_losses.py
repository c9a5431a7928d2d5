"""Base class of the balancers whose weights follow from the losses of the update before."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.train.balance.balancer import Balancer
from densefit.train.balance.dwa import by_head, check_losses


class LastLossBalancer(Balancer):
    """Weigh the heads' losses by functions of them.

    A gradient of such a function needs the losses of the whole update before its first backward
    pass. The weights are those of the update before instead, and 1 in the first: no further pass,
    also with several micro-batches or ranks. A head that is absent from an update keeps its last
    loss; one without a loss above 0 so far has the weight 1, and is not compared.
    """

    needs = "losses"
    cost = "one number a head and update; no further pass"

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._last: dict[str, float] = {}

    def weights(self, update: int) -> dict[str, float]:
        heads = [head for head in self.heads if self._last.get(head, 0.0) > 0]
        weights = dict.fromkeys(self.heads, 1.0)
        if len(heads) > 1:
            among = self._weights(np.array([self._last[head] for head in heads]), heads)
            weights.update(zip(heads, among.tolist()))
        return weights

    def _observe(self, losses: dict[str, float]) -> None:
        self._last.update(by_head(check_losses(losses, type(self).__name__)))

    def state_dict(self) -> dict[str, Any]:
        return {"last": dict(self._last)}

    def _load(self, state: Mapping[str, Any]) -> None:
        self._last = dict(state["last"])

    @abstractmethod
    def _weights(self, losses: np.ndarray, heads: list[str]) -> np.ndarray:
        """Return (n,) weights for (n,) losses above 0; 1 for each where losses are equal."""
