"""Dynamic weight average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.train.balance.balancer import Balancer, balancers, check_number, head_of
from densefit.train.balance.rlw import softmax

LARGEST = 1e9  # of a ratio, so that none is infinite
ROUNDING = 1e-3  # float32's: -log_softmax([8, -8]) is -1e-6, and a head may weigh its loss


@balancers.register("dwa")
class DWA(Balancer):
    """Heads whose loss falls more slowly weigh more.

    Liu, Johns and Davison, End-to-End Multi-Task Learning with Attention, CVPR 2019,
    arXiv:1803.10704, equation 7: in epoch t the weights are K softmax(r / T), where r_k is head
    k's loss of epoch t - 1 over that of t - 2; 1 in the first two epochs. An epoch's loss is the
    mean over the updates that the head is in.

    A head that is absent from a whole epoch keeps its last two losses; a head with fewer than two,
    or with a loss of 0, counts with r = 1, as if its loss stood still. For a head whose terms are
    counted separately, each term has its means, and r is the sum of the later means over the sum
    of the earlier ones, over terms that have both.

    Args:
        temperature: above 0; the higher, the more equal the weights.

    Raises:
        ConfigError: a setting out of range; at `observe`, a negative loss, which has no meaningful
            ratio (down to -1e-3, which is rounding, it counts as 0).
    """

    needs = "losses"
    cost = "one number a head and update; no further pass"

    def __init__(self, temperature: float = 2.0) -> None:
        check_number("temperature", temperature, "above 0", lambda t: t > 0, "DWA")
        self.temperature = temperature

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._sums: dict[str, float] = {}  # of the epoch under way, by head, or head and term
        self._counts: dict[str, int] = {}
        self._means: dict[str, list[float]] = {}  # of up to two epochs, the older first

    def weights(self, update: int) -> dict[str, float]:
        both = {key: means for key, means in self._means.items() if len(means) == 2}
        older = by_head({key: means[0] for key, means in both.items()})
        later = by_head({key: means[1] for key, means in both.items()})
        pairs = [[older[head], later[head]] if head in older else [] for head in self.heads]
        ratios = np.array([loss_ratio(pair) for pair in pairs])
        weights = len(ratios) * softmax(ratios / self.temperature)
        return dict(zip(self.heads, weights.tolist()))

    def _observe(self, losses: dict[str, float]) -> None:
        losses = check_losses(losses, "DWA")
        for key, loss in losses.items():
            self._sums[key] = self._sums.get(key, 0.0) + loss
            self._counts[key] = self._counts.get(key, 0) + 1

    def end_epoch(self) -> None:
        for key, total in self._sums.items():
            mean = total / self._counts[key]
            self._means[key] = [*self._means.get(key, []), mean][-2:]
        self._sums, self._counts = {}, {}

    def state_dict(self) -> dict[str, Any]:
        means = {key: list(epochs) for key, epochs in self._means.items()}
        return {"sums": dict(self._sums), "counts": dict(self._counts), "means": means}

    def _load(self, state: Mapping[str, Any]) -> None:
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])
        self._means = {key: list(epochs) for key, epochs in state["means"].items()}


def loss_ratio(means: Sequence[float]) -> float:
    """Return the later of two epochs' losses over the earlier one; 1 if undefined.

    >>> loss_ratio([4.0, 3.0]), loss_ratio([4.0]), loss_ratio([0.0, 3.0])
    (0.75, 1.0, 1.0)
    """
    if len(means) < 2 or means[0] <= 0:
        return 1.0
    return min(means[1] / means[0], LARGEST)


def by_head(values: Mapping[str, float]) -> dict[str, float]:
    """Sum values by head or `<head>/<term>` over the terms of each head.

    >>> by_head({"a": 1.0, "b/x": 2.0, "b/y": 3.0})
    {'a': 1.0, 'b': 5.0}
    """
    sums: dict[str, float] = {}
    for key, value in values.items():
        sums[head_of(key)] = sums.get(head_of(key), 0.0) + value
    return sums


def check_losses(losses: Mapping[str, float], where: str) -> dict[str, float]:
    """Return the losses, with 0 for losses below 0 by rounding (a well fitted cross-entropy).

    Raises:
        ConfigError: a negative loss.
    """
    for key, loss in losses.items():
        if loss < -ROUNDING:
            raise ConfigError(
                "How fast a loss falls is told by ratios, and this one is negative",
                expected="losses of 0 or more",
                received=loss,
                where=f"{where}, head {key}",
                fix="balance by another method, or add a constant to the loss",
            )
    return {key: max(0.0, loss) for key, loss in losses.items()}
