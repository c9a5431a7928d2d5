"""Curves and counts of matched detections at an overlap of 0.5, over all areas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.metrics.coco.accumulate import positive_counts
from densefit.metrics.coco.greedy import MATCHED
from densefit.metrics.coco.match import Matches
from densefit.metrics.core.detail import Curve, Curves


def right_and_wrong(matches: Matches) -> tuple[np.ndarray, np.ndarray]:
    """Mask the true positives and the false positives among detections, (m,) bool each.

    A detection that matches only a crowd or another ignored object is neither.
    """
    verdict = np.zeros(len(matches.images), np.int8)
    verdict[matches.touching] = matches.verdict[0, 0]
    return verdict == MATCHED, (verdict == 0) & matches.inside[0]


def counts_from(
    matches: Matches, threshold: float, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count true and false positives with a score of `threshold` or more, and positives.

    Args:
        matches: matches of the whole dataset.
        threshold: threshold of the score.
        weights: (images,) int64, number of times that each image counts; once by default.

    Returns:
        (true positives, false positives, positives), each (classes,) int64.
    """
    classes = len(matches.starts) - 1
    labels = np.repeat(np.arange(classes), np.diff(matches.starts))
    sure = matches.scores >= threshold
    counts = []
    for flags in right_and_wrong(matches):
        chosen = np.flatnonzero(flags & sure)
        times = None if weights is None else weights[matches.images[chosen]]
        counts.append(np.bincount(labels[chosen], times, minlength=classes).astype(np.int64))
    return counts[0], counts[1], positive_counts(matches, weights)[0]


def precision_recall(matches: Matches, names: Sequence[str], title: str) -> Curves:
    """Precision-recall curve of each class that has true objects.

    One point for each distinct score: detections with equal scores count together, as no threshold
    separates them.
    """
    right, wrong = right_and_wrong(matches)
    positives = positive_counts(matches)[0]
    lines = {}
    for label in map(int, np.flatnonzero(positives)):
        first, last = matches.starts[label], matches.starts[label + 1]
        counted = first + np.flatnonzero((right | wrong)[first:last])
        scores, hits = matches.scores[counted], np.cumsum(right[counted])
        ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True)[: len(scores)])
        lines[names[label]] = Curve(
            x=hits[ends] / positives[label], y=hits[ends] / (ends + 1), threshold=scores[ends]
        )
    return Curves("recall", "precision", lines, title)
