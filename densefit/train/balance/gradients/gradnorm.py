"""GradNorm: weights that balance the norms of the heads' gradients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.train.balance.balancer import balancers, check_number
from densefit.train.balance.dwa import by_head, check_losses, loss_ratio
from densefit.train.balance.gradients.balancer import GradientBalancer

LEAST = 1e-3  # of a weight: at 0 a head's gradient, and the way back, would be lost
FARTHEST = math.log(1e3)  # how far one update takes a length to be from its target
TINY = float(np.finfo(float).tiny)


@balancers.register("gradnorm")
class GradNorm(GradientBalancer):
    """Weights learned by descent on the distance of the heads' gradient norms from a target.

    Chen, Badrinarayanan, Lee and Rabinovich, GradNorm, ICML 2018, arXiv:1711.02257. With G_k the
    norm of the weighted gradient of head k, L~_k its loss over its first loss, and r_k = L~_k over
    the mean of L~ over the heads, the weights move until `G_k = mean(G) r_k^alpha`, and add up to
    the number of heads. The paper descends on `sum_k |G_k - mean(G) r_k^alpha|` with steps that are
    as long as the gradients, and swing where these are long or of very different lengths; here the
    logarithms of the weights descend on half the squares of `log G_k - log(mean(G) r_k^alpha)`.
    Thus the norms approach their target by a share of `lr` per update, independent of their unit
    and ratio. The paper uses the last shared layer; here all shared parameters count. The gradients
    themselves are summed.

    A head that is absent from an update keeps its weight, and the others keep the sum of theirs:
    means are over present heads. A head's first loss is the first above 0; before it, the head
    counts as absent. Terms that are counted separately have a first loss each, and a head's rate is
    computed from the sums over its present terms.

    Args:
        alpha: exponent of the heads' training rates; 0 makes all norms equal.
        lr: learning rate of the weights' logarithms, 1 at most: with 1, each update sets them to
            the target of its gradients, noise included.
        at: "parameters" or "features": the gradients that are compared, see `GradientBalancer`.
        every: updates from one comparison to the next, 1 or more.
        accumulated: "all" or "previous": the micro-batches that are compared.

    Raises:
        ConfigError: a setting out of range; at `observe`, a negative loss; at `combine`, missing
            losses.
    """

    def __init__(
        self,
        alpha: float = 1.5,
        lr: float = 0.025,
        *,
        at: str = "parameters",
        every: int = 1,
        accumulated: str = "all",
    ) -> None:
        super().__init__(at=at, every=every, accumulated=accumulated)
        check_number("alpha", alpha, "0 or more", lambda a: a >= 0, "GradNorm")
        check_number("lr", lr, "above 0, 1 at most", lambda rate: 0 < rate <= 1, "GradNorm")
        self.alpha, self.lr = alpha, lr

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._weights = dict.fromkeys(self.heads, 1.0)
        self._first: dict[str, float] = {}  # by head, or by head and term
        self._losses: dict[str, float] | None = None  # of the update under way

    def weights(self, update: int) -> dict[str, float]:
        return dict(self._weights)

    def _observe(self, losses: dict[str, float]) -> None:
        losses = check_losses(losses, "GradNorm")
        for key, loss in losses.items():
            if loss > 0:
                self._first.setdefault(key, loss)
        self._losses = {key: loss for key, loss in losses.items() if key in self._first}

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return np.ones(len(heads))

    def factors(self, gram: np.ndarray) -> np.ndarray:
        factors = super().factors(gram)
        losses, self._losses = self._losses, None
        if losses is None:
            raise ConfigError(
                "GradNorm was given gradients before the losses that they are of",
                where="GradNorm.combine",
                fix="observe(losses) first, in each update",
            )
        now, first = by_head(losses), by_head({key: self._first[key] for key in losses})
        squares = dict(zip(self.heads, gram.diagonal()))
        names = [head for head in self.heads if head in now]
        if names:
            weights = np.array([self._weights[head] for head in names])
            norms = np.sqrt([squares[head] for head in names]) / weights
            falls = np.array([loss_ratio([first[head], now[head]]) for head in names])
            moved = descended(weights, norms, falls, self.alpha, self.lr)
            self._weights.update(zip(names, moved.tolist()))
        return factors

    def state_dict(self) -> dict[str, Any]:
        state = {"weights": dict(self._weights), "first": dict(self._first)}
        return {**super().state_dict(), **state}

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        self._weights, self._first = dict(state["weights"]), dict(state["first"])


def descended(
    weights: np.ndarray, norms: np.ndarray, falls: np.ndarray, alpha: float, lr: float
) -> np.ndarray:
    """Return the weights after one step of GradNorm's descent, with the same sum.

    Args:
        weights: (n,) above 0.
        norms: (n,) of the unweighted gradients.
        falls: (n,) each head's loss over its first loss.
        alpha: exponent of the training rates.
        lr: learning rate, above 0, 1 at most.

    Returns:
        (n,), above 0.
    """
    mean_fall = falls.mean()
    rates = falls / mean_fall if mean_fall > 0 else np.ones(len(falls))
    lengths = weights * norms
    target = lengths.mean() * rates**alpha
    # A length of 0 has no logarithm, and its head's gradient may be back in the next update.
    far = np.log(np.maximum(target, TINY)) - np.log(np.maximum(lengths, TINY))
    moved = np.maximum(weights * np.exp(lr * np.clip(far, -FARTHEST, FARTHEST)), LEAST)
    return np.asarray(moved * (weights.sum() / moved.sum()))
