"""Precision and recall of matched detections, by the rules of the COCO evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from densefit.metrics.coco.greedy import MATCHED
from densefit.metrics.coco.match import Matches

RECALL_THRESHOLDS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Accumulated:
    """Precision and recall of the classes with true objects; undefined for other classes.

    Attributes:
        labels: (c,) int64, the classes in ascending order.
        precision: (areas, thresholds, c, 101) float64, at the recalls 0, 0.01 ... 1; nan where a
            class has no true object in an area range.
        recall: (areas, limits, thresholds, c) float64, the recall reached.
    """

    labels: np.ndarray
    precision: np.ndarray
    recall: np.ndarray


def accumulate(
    matches: Matches, limits: Sequence[int], weights: np.ndarray | None = None
) -> Accumulated:
    """Compute precision and recall as `COCOeval.accumulate` of pycocotools does.

    Precision is made to fall monotonically, and only a true positive can raise it. So it is
    computed at true positives only; the false positives before each are all detections whose area
    is in the range, minus the matched detections.

    Args:
        matches: matches of the whole dataset.
        limits: ascending numbers of highest-scoring detections of an image and class, for which
            recall is computed. The last is the limit of the matching.
        weights: (images,) int64, number of times that each image counts; once by default. An image
            of weight 2 is like two adjacent images: exactly so if no two detections of one class
            and image have equal scores. (These come one after another, each with all its copies,
            where real copies would alternate.)
    """
    areas, steps, _ = matches.verdict.shape
    positives = positive_counts(matches, weights)
    labels = np.flatnonzero(positives.any(axis=0))
    positives = positives[:, labels]
    precision = np.empty((areas, steps, len(labels), len(RECALL_THRESHOLDS)))
    recall = np.empty((areas, len(limits), steps, len(labels)))

    touching, verdicts, rank, class_index = _of_classes(matches, labels)
    begins = np.searchsorted(class_index, np.arange(len(labels)))
    copies = None if weights is None else weights[matches.images]
    touching_copies = None if copies is None else copies[touching]
    starts = matches.starts[labels][class_index]
    for area in range(areas):
        if not positives[area].any():
            precision[area] = recall[area] = np.nan
            continue
        verdict, inside = verdicts[area], matches.inside[area]
        seen = _sums(inside, copies)
        seen = seen[touching + 1] - seen[starts]
        step, right = np.nonzero(verdict == MATCHED)
        matched = _sums((verdict > 0) & inside[touching], touching_copies)
        wrong = seen[right] - (matched[step, right + 1] - matched[step, begins[class_index[right]]])
        curve = step * len(labels) + class_index[right]
        times = np.ones(len(right), np.int64) if touching_copies is None else touching_copies[right]
        least = np.tile(right_needed(positives[area]), (steps, 1))
        precision[area] = _envelope(curve, times, wrong, least).reshape(precision.shape[1:])
        for number, limit in enumerate(limits):
            best = rank[right] < limit
            reached = np.bincount(curve[best], times[best], minlength=steps * len(labels))
            recall[area, number] = reached.reshape(steps, -1) / positives[area].clip(1)
        precision[area, :, positives[area] == 0] = np.nan
        recall[area, :, :, positives[area] == 0] = np.nan
    return Accumulated(labels, precision, recall)


def positive_counts(matches: Matches, weights: np.ndarray | None = None) -> np.ndarray:
    """Count the true objects of each class in each area range, (areas, classes) int64."""
    times = None if weights is None else weights[matches.true_images]
    return np.stack(
        [
            np.bincount(
                matches.true_labels[counted],
                None if times is None else times[counted],
                minlength=len(matches.starts) - 1,
            ).astype(np.int64)
            for counted in matches.counted
        ]
    )


def right_needed(positives: np.ndarray) -> np.ndarray:
    """Number of true positives that reach each recall threshold, at least 1, (classes, 101) int64.

    The recall is compared as computed: number / positives, in double precision.
    """
    whole = positives.clip(1)[:, None]
    count = np.floor(RECALL_THRESHOLDS * whole) - 1  # a lower bound
    for _ in range(3):
        count += count / whole < RECALL_THRESHOLDS
    return count.clip(1).astype(np.int64)


def _of_classes(
    matches: Matches, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Touching detections of these classes: index, verdict, rank, and index into `labels`."""
    classes = len(matches.starts) - 1
    index = np.full(classes, -1)
    index[labels] = np.arange(len(labels))
    index = index[np.searchsorted(matches.starts, matches.touching, side="right") - 1]
    if (index >= 0).all():
        return matches.touching, matches.verdict, matches.rank, index
    listed = np.flatnonzero(index >= 0)
    return (
        matches.touching[listed],
        matches.verdict[:, :, listed],
        matches.rank[listed],
        index[listed],
    )


def _sums(flags: np.ndarray, times: np.ndarray | None) -> np.ndarray:
    """Cumulative sums of flags[..., :i] weighted by `times`, (..., m + 1) int64."""
    sums = np.zeros((*flags.shape[:-1], flags.shape[-1] + 1), np.int64)
    np.cumsum(flags if times is None else flags * times, axis=-1, out=sums[..., 1:])
    return sums


def _envelope(
    curves: np.ndarray, times: np.ndarray, wrong: np.ndarray, least: np.ndarray
) -> np.ndarray:
    """Highest precision from each recall threshold on, (curves, 101); 0 where it is not reached.

    Args:
        curves: (r,) curve of each true positive, ascending; within it by descending score.
        times: (r,) number of times that each counts.
        wrong: (r,) number of false positives of its curve before it.
        least: (curves, 101), number of true positives that a recall threshold needs.
    """
    bounds = np.searchsorted(curves, np.arange(len(least) + 1))
    total = np.cumsum(times)
    before = np.append(0, total)[bounds[:-1], None]
    right = total - before[curves, 0]
    precision = np.append(right / (wrong + right + np.spacing(1)), 0.0)
    first, end = np.searchsorted(total, before + least), bounds[1:, None]
    steps = np.concatenate([np.minimum(first, end), end], axis=1)
    best = np.maximum.reduceat(precision, steps.ravel()).reshape(steps.shape)[:, :-1]
    best[first >= end] = 0.0
    return np.maximum.accumulate(best[:, ::-1], axis=1)[:, ::-1]
