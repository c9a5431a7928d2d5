"""Losses of a head as training scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.metrics import Metric


class LossTerms(Metric):
    """Mean of each loss term of a head over labelled samples, and their sum as `loss`.

    A term named `loss` beside others is part of the sum only.

    `labelled` is the number of labelled samples if some are not; without any, means are nan. Terms
    with labelled samples of their own have `<term>/labelled`; `loss` is then the sum of the terms
    with a mean, which is what is trained.

    Args:
        terms: names of the terms.
        apart: whether each term has labelled samples of its own.
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
            self.sums += [losses[rows, term].sum() for term, rows in enumerate(has.T)]
            self.counts += has.sum(axis=0)
        self.seen += len(has)

    def compute(self) -> dict[str, float]:
        has_mean = self.counts > 0
        means = np.where(has_mean, self.sums / np.maximum(self.counts, 1), np.nan)
        scores = {term: float(mean) for term, mean in zip(self.terms, means)}
        scores["loss"] = float(means[has_mean].sum()) if has_mean.any() else float("nan")
        if self.apart:
            few = [(t, n) for t, n in zip(self.terms, self.counts) if n < self.seen]
            return {**scores, **{f"{term}/labelled": float(count) for term, count in few}}
        count = int(self.counts[0]) if len(self.counts) else 0
        return {**scores, "labelled": float(count)} if count < self.seen else scores

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
