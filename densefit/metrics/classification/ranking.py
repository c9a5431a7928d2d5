"""Rank the samples of a class by score, and compute its average precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Ranking:
    """Samples of one class by descending score.

    Attributes:
        samples: (m,) int64 indices of the samples with a known label.
        positive: (m,) bool.
        last: (t,) int64, the last rank of each distinct score: equal scores count together.
        scores: (t,) distinct scores, descending.
    """

    samples: np.ndarray
    positive: np.ndarray
    last: np.ndarray
    scores: np.ndarray


def rank(scores: np.ndarray, labels: np.ndarray) -> Ranking:
    """Rank the samples of one class by score.

    Args:
        scores: (n,) without nan.
        labels: (n,) 1, 0, or -1 where unknown.
    """
    labelled = np.flatnonzero(labels >= 0)
    samples = labelled[np.argsort(-scores[labelled], kind="stable")]
    ranked = scores[samples]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)])
    return Ranking(samples, labels[samples] == 1, last, ranked[last])


def precision_recall(
    ranking: Ranking, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Precision-recall curve of one class, a point for each distinct score.

    Args:
        ranking: ranking of the class.
        weights: (n,) int64, number of times that each sample counts; None: once.

    Returns:
        (recall (t,), precision (t,), number of positives). Recall is 0 without positives, precision
        as long as no sample counts.
    """
    weight: Any = 1 if weights is None else weights[ranking.samples]
    right = np.cumsum(ranking.positive * weight, dtype=np.int64)[ranking.last]
    total = np.cumsum(np.ones(len(ranking.samples), np.int64) * weight)[ranking.last]
    positives = int(right[-1]) if len(right) else 0
    return right / max(positives, 1), right / np.maximum(total, 1), positives


def average_precision(ranking: Ranking, weights: np.ndarray | None = None) -> float:
    """Sum of recall gains times precision over distinct scores; nan without positives.

    Not interpolated: equal to scikit-learn's `average_precision_score`.

    >>> average_precision(rank(np.array([0.9, 0.8, 0.7]), np.array([1, 0, 1])))
    0.8333333333333333
    """
    recall, precision, positives = precision_recall(ranking, weights)
    if not positives:
        return float("nan")
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))
