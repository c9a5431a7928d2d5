"""Precision and recall out of matched detections, by the rules of the COCO evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from densefit.metrics.coco.greedy import MATCHED
from densefit.metrics.coco.match import Matches

RECALL_THRESHOLDS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Accumulated:
    """Precision and recall of the classes that have true objects; of others they are undefined.

    Attributes:
        labels: (c,) int64, the classes, rising.
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
    """What `COCOeval.accumulate` of pycocotools computes.

    Precision is made to fall monotonically, and only a right detection can raise it. So it is
    computed at right detections only; the wrong ones before each are all detections with an own
    area in the range, less those with a match.

    Args:
        matches: of the whole dataset.
        limits: rising; recall is also that of the best so many detections of an image and class.
            The last one must be the limit of the matching.
        weights: (images,) int64, how often each image counts; once by default. An image of weight
            2 is like two images that stand beside each other: exactly so if no two detections of
            one class and image have equal scores. (These are taken one after another, each with
            all its copies, where true copies take turns.)
    """
    areas, steps, _ = matches.verdict.shape
    positives = positive_counts(matches, weights)
    labels = np.flatnonzero(positives.any(axis=0))
    positives = positives[:, labels]
    precision = np.empty((areas, steps, len(labels), len(RECALL_THRESHOLDS)))
    recall = np.empty((areas, len(limits), steps, len(labels)))

    touching, verdicts, rank, place = _of_classes(matches, labels)
    begins = np.searchsorted(place, np.arange(len(labels)))
    copies = None if weights is None else weights[matches.images]
    own = None if copies is None else copies[touching]
    starts = matches.starts[labels][place]
    for area in range(areas):
        if not positives[area].any():
            precision[area] = recall[area] = np.nan
            continue
        verdict, inside = verdicts[area], matches.inside[area]
        seen = _sums(inside, copies)
        seen = seen[touching + 1] - seen[starts]
        step, right = np.nonzero(verdict == MATCHED)
        matched = _sums((verdict > 0) & inside[touching], own)
        wrong = seen[right] - (matched[step, right + 1] - matched[step, begins[place[right]]])
        curve = step * len(labels) + place[right]
        times = np.ones(len(right), np.int64) if own is None else own[right]
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
    """How many true objects of each class count in each area range, (areas, classes) int64."""
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
    """How many right detections reach each recall threshold, 1 at least, (classes, 101) int64.

    The recall is compared as it is computed: number / positives, in double precision.
    """
    whole = positives.clip(1)[:, None]
    count = np.floor(RECALL_THRESHOLDS * whole) - 1  # one less than what it may be
    for _ in range(3):
        count += count / whole < RECALL_THRESHOLDS
    return count.clip(1).astype(np.int64)


def _of_classes(
    matches: Matches, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of the touching detections of these classes: themselves, verdict, rank, place in `labels`."""
    classes = len(matches.starts) - 1
    place = np.full(classes, -1)
    place[labels] = np.arange(len(labels))
    place = place[np.searchsorted(matches.starts, matches.touching, side="right") - 1]
    if (place >= 0).all():
        return matches.touching, matches.verdict, matches.rank, place
    kept = np.flatnonzero(place >= 0)
    return matches.touching[kept], matches.verdict[:, :, kept], matches.rank[kept], place[kept]


def _sums(flags: np.ndarray, times: np.ndarray | None) -> np.ndarray:
    """Sums over flags[..., :i] (each so many times), (..., m + 1) int64."""
    sums = np.zeros((*flags.shape[:-1], flags.shape[-1] + 1), np.int64)
    np.cumsum(flags if times is None else flags * times, axis=-1, out=sums[..., 1:])
    return sums


def _envelope(
    curves: np.ndarray, times: np.ndarray, wrong: np.ndarray, least: np.ndarray
) -> np.ndarray:
    """The best precision from each recall threshold on, (curves, 101); 0 where none is reached.

    Args:
        curves: (r,) to which curve each right detection belongs, rising; in it by falling score.
        times: (r,) how often each counts.
        wrong: (r,) how many wrong ones of its curve come before it.
        least: (curves, 101), how many right ones a recall threshold needs.
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
