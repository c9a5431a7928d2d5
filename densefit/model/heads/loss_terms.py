"""The losses of a head as numbers: what is shown of them while it trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.metrics import Metric


class LossTerms(Metric):
    """Mean over labelled samples of each loss term of a head, and their sum as `loss`.

    A term that is called `loss` itself, beside others, is shown in the sum only.

    Where some samples are not labelled, `labelled` is how many are; without any, means are nan.
    Terms that have samples of their own tell each `<term>/labelled`; `loss` is then the sum of
    the terms that have a mean, which is what trains the network.

    Args:
        terms: their names.
        apart: whether each term has samples of its own.
    """

    name = "loss_terms"
    primary = "loss"
    higher_is_better = False

    def __init__(self, terms: Sequence[str], apart: bool = False) -> None:
        self.terms, self.apart = list(terms), apart
        self.reset()

    def reset(self) -> None:
        self.sums = np.zeros(len(self.terms))
        self.counts = np.zeros(len(self.terms), np.int64)
        self.seen = 0

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        """predictions: (n, terms) losses; targets: (n,) or (n, terms) bool, whether labelled."""
        losses, has = np.asarray(predictions, np.float64), np.asarray(targets, bool)
        if has.ndim == 1:
            self.sums += losses[has].sum(axis=0)
            self.counts += int(has.sum())
        else:
            self.sums += [losses[own, term].sum() for term, own in enumerate(has.T)]
            self.counts += has.sum(axis=0)
        self.seen += len(has)

    def compute(self) -> dict[str, float]:
        known = self.counts > 0
        means = np.where(known, self.sums / np.maximum(self.counts, 1), np.nan)
        found = {term: float(mean) for term, mean in zip(self.terms, means)}
        found["loss"] = float(means[known].sum()) if known.any() else float("nan")
        if self.apart:
            few = [(t, n) for t, n in zip(self.terms, self.counts) if n < self.seen]
            return {**found, **{f"{term}/labelled": float(count) for term, count in few}}
        count = int(self.counts[0]) if len(self.counts) else 0
        return {**found, "labelled": float(count)} if count < self.seen else found

    def merge(self, other: LossTerms) -> None:
        self.sums += other.sums
        self.counts += other.counts
        self.seen += other.seen

    def state_dict(self) -> dict[str, Any]:
        numbers = {"count": self.counts.tolist(), "seen": self.seen}
        return {"terms": self.terms, "sums": self.sums.tolist(), **numbers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.terms = list(state["terms"])
        self.sums = np.asarray(state["sums"], np.float64)
        counts = np.asarray(state["count"], np.int64)  # one for all, in older checkpoints
        self.counts = np.broadcast_to(counts, self.sums.shape).copy()
        self.seen = int(state.get("seen", counts.max(initial=0)))
