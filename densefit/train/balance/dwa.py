"""Dynamic weight average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.train.balance.balancer import Balancer, balancers, check_number
from densefit.train.balance.rlw import softmax

LARGEST = 1e9  # of a ratio, so that none is infinite


@balancers.register("dwa")
class DWA(Balancer):
    """Heads whose loss falls more slowly than that of others weigh more.

    Liu, Johns and Davison, End-to-End Multi-Task Learning with Attention, CVPR 2019,
    arXiv:1803.10704, equation 7: in epoch t the weights are K softmax(r / T), where r_k is head
    k's loss of epoch t - 1 over that of t - 2; 1 in the first two epochs. An epoch's loss is the
    mean over the updates that the head is in.

    A head that is absent from a whole epoch keeps its last two; one that was not in two epochs
    yet counts with r = 1, as if its loss stood still. So does one whose loss was 0.

    Args:
        temperature: above 0; the higher, the more equal the weights.

    Raises:
        ConfigError: a setting out of range; at `observe`, a negative loss, of which no ratio
            tells anything.
    """

    needs = "losses"
    cost = "one number a head and update; no further pass"

    def __init__(self, temperature: float = 2.0) -> None:
        check_number("temperature", temperature, "above 0", lambda t: t > 0, "DWA")
        self.temperature = temperature

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._sums: dict[str, float] = {}  # of the epoch under way
        self._counts: dict[str, int] = {}
        self._means: dict[str, list[float]] = {}  # of up to two epochs, the older first

    def weights(self, update: int) -> dict[str, float]:
        ratios = np.array([loss_ratio(self._means.get(head, ())) for head in self.heads])
        found = len(ratios) * softmax(ratios / self.temperature)
        return dict(zip(self.heads, found.tolist()))

    def _observe(self, losses: dict[str, float]) -> None:
        check_losses(losses, "DWA")
        for head, loss in losses.items():
            self._sums[head] = self._sums.get(head, 0.0) + loss
            self._counts[head] = self._counts.get(head, 0) + 1

    def end_epoch(self) -> None:
        for head, total in self._sums.items():
            mean = total / self._counts[head]
            self._means[head] = [*self._means.get(head, []), mean][-2:]
        self._sums, self._counts = {}, {}

    def state_dict(self) -> dict[str, Any]:
        means = {head: list(found) for head, found in self._means.items()}
        return {"sums": dict(self._sums), "counts": dict(self._counts), "means": means}

    def _load(self, state: Mapping[str, Any]) -> None:
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])
        self._means = {head: list(found) for head, found in state["means"].items()}


def loss_ratio(means: Sequence[float]) -> float:
    """The later of two epochs' losses over the earlier one; 1 if that says nothing.

    >>> loss_ratio([4.0, 3.0]), loss_ratio([4.0]), loss_ratio([0.0, 3.0])
    (0.75, 1.0, 1.0)
    """
    if len(means) < 2 or means[0] <= 0:
        return 1.0
    return min(means[1] / means[0], LARGEST)


def check_losses(losses: Mapping[str, float], where: str) -> None:
    """Raise ConfigError for a negative loss."""
    for head, loss in losses.items():
        if loss < 0:
            raise ConfigError(
                "How fast a loss falls is told by ratios, and this one is negative",
                expected="losses of 0 or more",
                received=loss,
                where=f"{where}, head {head}",
                fix="balance by another method, or add a constant to the loss",
            )
