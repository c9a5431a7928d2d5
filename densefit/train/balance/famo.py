"""FAMO: equal relative progress of all heads, from losses alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.train.balance.balancer import balancers, check_number
from densefit.train.balance.dwa import by_head, check_losses
from densefit.train.balance.last_losses import LastLossBalancer
from densefit.train.balance.rlw import softmax

LEAST = 1e-8  # added to a loss, as in the authors' code
BETAS = 0.9, 0.999  # Adam's


@balancers.register("famo")
class FAMO(LastLossBalancer):
    """Weights that let the logarithms of all losses fall equally fast, learned from their falls.

    Liu, Feng, Stone and Liu, FAMO: Fast Adaptive Multitask Optimization, NeurIPS 2023,
    arXiv:2306.03792, algorithm 2. With z = softmax(logits), the weights are as z / loss, with a
    mean of 1. After an update, the losses of the same samples are computed again (a forward pass
    as in training, over all micro-batches), and Adam moves the logits against the falls of their
    logarithms. The losses that weights are divided by are those of the update before, as they are
    needed before the first backward pass; the authors, LibMTL and TorchJD use the present ones.

    An absent head keeps its logit and moments, and the rest move as if it were not there.

    Args:
        lr: learning rate of the logits.
        weight_decay: decay of the logits towards equal ones, as a gradient (1e-5 in the authors'
            code, 1e-3 in the paper).
    """

    needs_losses_after = True
    cost = "a forward pass after each update"

    def __init__(self, lr: float = 0.025, weight_decay: float = 1e-3) -> None:
        check_number("lr", lr, "above 0", lambda rate: rate > 0, "FAMO")
        check_number("weight_decay", weight_decay, "0 or more", lambda decay: decay >= 0, "FAMO")
        self.lr, self.weight_decay = lr, weight_decay

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        super()._begin(total, updates_per_epoch)
        self._before: dict[str, float] = {}  # losses of the update under way
        # head -> logit, Adam's moments, and its number of steps
        self._adam = {head: [0.0, 0.0, 0.0, 0.0] for head in self.heads}

    def _weights(self, losses: np.ndarray, heads: list[str]) -> np.ndarray:
        weights = softmax(np.array([self._adam[head][0] for head in heads])) / (losses + LEAST)
        return np.asarray(len(heads) * weights / weights.sum())

    def _observe(self, losses: dict[str, float]) -> None:
        super()._observe(losses)
        self._before = by_head(check_losses(losses, "FAMO"))

    def observe_after(self, losses: Mapping[str, float]) -> None:
        after, before = by_head(check_losses(losses, "FAMO")), self._before
        heads = [head for head in before if head in after]
        if len(heads) < 2:
            return
        falls = np.array([np.log(before[h] + LEAST) - np.log(after[h] + LEAST) for h in heads])
        z = softmax(np.array([self._adam[head][0] for head in heads]))
        for head, slope in zip(heads, z * (falls - z @ falls)):
            logit, mean, square, steps = self._adam[head]
            slope, steps = float(slope) + self.weight_decay * logit, steps + 1
            mean = BETAS[0] * mean + (1 - BETAS[0]) * slope
            square = BETAS[1] * square + (1 - BETAS[1]) * slope**2
            root = (square / (1 - BETAS[1] ** steps)) ** 0.5 + 1e-8
            logit -= self.lr * mean / (1 - BETAS[0] ** steps) / root
            self._adam[head] = [logit, mean, square, steps]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "adam": {h: list(v) for h, v in self._adam.items()}}

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        self._adam = {head: list(values) for head, values in state["adam"].items()}
