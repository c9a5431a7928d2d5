"""Smooth Tchebycheff scalarization."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from densefit.train.balance.balancer import balancers, check_number
from densefit.train.balance.last_losses import LastLossBalancer
from densefit.train.balance.rlw import softmax


@balancers.register("stch")
class STCH(LastLossBalancer):
    """Descent on a smooth maximum of the losses: the largest weigh most.

    Lin et al., Smooth Tchebycheff Scalarization for Multi-Objective Optimization, ICML 2024,
    arXiv:2402.19078: `mu log sum_k exp(p_k (L_k - z_k) / mu)` has the gradient's weights
    `p_k softmax(p (L - z) / mu)_k`, here times the square of the number of heads, and with the
    losses of the update before. Preferences p are divided by their sum. Losses must have comparable
    units, or preferences that make them so. An absent head keeps its last loss.

    Args:
        mu: smoothing, above 0: the smaller, the nearer to the maximum.
        preferences: head -> p, above 0; 1 for other heads.
        ideal: head -> z, the least loss that it can have; 0 for other heads.

    Raises:
        ConfigError: a setting out of range; at `begin`, an unknown head.
    """

    cost = "one number a head and update; no further pass"

    def __init__(
        self,
        mu: float = 0.1,
        preferences: Mapping[str, float] | None = None,
        ideal: Mapping[str, float] | None = None,
    ) -> None:
        check_number("mu", mu, "above 0", lambda value: value > 0, "STCH")
        self.mu, self.preferences, self.ideal = mu, dict(preferences or {}), dict(ideal or {})
        for head, value in self.preferences.items():
            check_number(f"preferences.{head}", value, "above 0", lambda p: p > 0, "STCH")
        for head, value in self.ideal.items():
            check_number(f"ideal.{head}", value, "0 or more", lambda z: z >= 0, "STCH")

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        super()._begin(total, updates_per_epoch)
        self._check_known(self.preferences, "preferences")
        self._check_known(self.ideal, "ideal")

    def _weights(self, losses: np.ndarray, heads: list[str]) -> np.ndarray:
        p = np.array([self.preferences.get(head, 1.0) for head in heads])
        p = p / p.sum()
        above = losses - np.array([self.ideal.get(head, 0.0) for head in heads])
        return np.asarray(len(heads) ** 2 * p * softmax(p * above / self.mu))
