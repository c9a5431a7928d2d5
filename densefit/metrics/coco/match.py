"""Match all detections of a dataset with its true objects, by the COCO evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from densefit.metrics.coco.greedy import greedy
from densefit.metrics.coco.groups import Groups, groups, ranking, spans

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)

# (detections (p,), true objects (p,)) -> overlaps (p,) float64 of these pairs of rows. The pairs
# come detection by detection, each with all true objects of its image and class.
Overlap = Callable[[np.ndarray, np.ndarray], np.ndarray]

# (detections (d,), true objects (t,)) -> overlaps (d, t) float64 of all pairs.
Dense = Callable[[np.ndarray, np.ndarray], np.ndarray]

Edges = tuple[np.ndarray, np.ndarray, np.ndarray]

# Pairs compared at once, and pairs of sufficient overlap matched at once: bounds the memory (about
# 100 MiB) at no cost in time.
_AT_ONCE = 1 << 18
# Groups of more pairs are compared group by group, all pairs at once. Listing the pairs of 300
# detections and 300 true objects takes ten times as long as comparing them; with few pairs, calls
# take longest.
_MANY = 1 << 10


@dataclass(frozen=True)
class Matches:
    """Matching of every detection, in the order of evaluation.

    Attributes:
        images: (m,) int64 of the detections that are evaluated, class by class, in each class by
            descending score.
        scores: (m,) float64.
        starts: (classes + 1,) index of the first detection of each class.
        inside: (areas, m) bool: the area of the detection is in the range.
        touching: (k,) ascending indices of the detections that overlap a true object sufficiently.
        rank: (k,) their ranks in image and class by descending score, from 0.
        verdict: (areas, thresholds, k) int8: 0 for no match, 1 for a match that counts, 2 for a
            match with an ignored object.
        true_images, true_labels: (n,) int64 of the true objects.
        counted: (areas, n) bool: the true object is not ignored.
    """

    images: np.ndarray
    scores: np.ndarray
    starts: np.ndarray
    inside: np.ndarray
    touching: np.ndarray
    rank: np.ndarray
    verdict: np.ndarray
    true_images: np.ndarray
    true_labels: np.ndarray
    counted: np.ndarray


def match(
    detections: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    classes: int,
    limit: int,
    areas: np.ndarray,
    overlap: Overlap,
    thresholds: np.ndarray = IOU_THRESHOLDS,
    dense: Dense | None = None,
) -> Matches:
    """Match a whole dataset, at all thresholds and in all area ranges.

    Args:
        detections: columns "image" (ascending), "classes", "scores", "area".
        truth: columns "image" (ascending), "classes", "area", "ignored", "crowd" of all true
            objects. Crowds match any number of detections; they and the "ignored" objects do
            not count.
        classes: number of classes.
        limit: number of highest-scoring detections of an image and class that are evaluated.
        areas: (a, 2) float64 ranges in square pixels, both ends inclusive. Out of its range a
            true object is ignored, and so is a detection without a match.
        overlap: overlap of rows of `detections` with rows of `truth`.
        thresholds: (t,) ascending overlaps from which a detection may match.
        dense: the same overlaps for large groups, where that is faster.
    """
    ranked = ranking(detections["image"], detections["classes"], detections["scores"], limit)
    images, labels = detections["image"][ranked], detections["classes"][ranked]
    sides = groups(images, labels, truth["image"], truth["classes"])
    ignored = _outside(truth["area"], areas) | (truth["ignored"] | truth["crowd"])[:, None]
    # An overlap of 1 may fall short of it by rounding: pycocotools lowers a threshold of 1.
    thresholds = np.minimum(thresholds, 1 - 1e-10)
    number = sides.number()
    rows, verdicts = [np.zeros(0, np.int64)], [np.zeros((0, len(areas), len(thresholds)), np.int8)]
    for chosen, truths, ious in _enough(ranked, sides, overlap, dense, thresholds[0]):
        decided, verdict = greedy(
            *(chosen, number[chosen], truths, ious, ignored, truth["crowd"], thresholds)
        )
        rows.append(decided)
        verdicts.append(verdict)
    row = np.concatenate(rows)
    touching = sides.rows[row]
    order = np.argsort(touching)
    return Matches(
        images=images,
        scores=detections["scores"][ranked],
        starts=np.searchsorted(labels, np.arange(classes + 1)),
        inside=np.ascontiguousarray(~_outside(detections["area"][ranked], areas).T),
        touching=touching[order],
        rank=sides.rank[row[order]],
        verdict=np.ascontiguousarray(np.concatenate(verdicts)[order].transpose(1, 2, 0)),
        true_images=truth["image"],
        true_labels=truth["classes"],
        counted=np.ascontiguousarray(~ignored.T),
    )


def _outside(sizes: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Mask sizes outside of each area range, (n, areas) bool."""
    return (sizes[:, None] < areas[:, 0]) | (sizes[:, None] > areas[:, 1])


def _enough(
    ranked: np.ndarray, sides: Groups, overlap: Overlap, dense: Dense | None, least: float
) -> Iterator[Edges]:
    """Iterate over the pairs that overlap by `least` or more, in portions of whole groups.

    Yields:
        (rows of `sides` (e,) ascending, true objects (e,), overlaps (e,)), e > 0.
    """
    ends = np.append(np.flatnonzero(sides.rank == 0)[1:], len(sides.rank))
    pairs = np.add.reduceat(sides.count, np.append(0, ends[:-1])) if len(sides.rank) else ends[:0]
    waiting: list[Edges] = []
    start = 0
    # A large group is a separate span.
    sizes = pairs if dense is None else np.where(pairs > _MANY, _AT_ONCE, pairs)
    for first, last in spans(sizes, _AT_ONCE):
        stop = int(ends[last - 1])
        if dense is not None and pairs[first] > _MANY:
            waiting += _dense_pairs(ranked, sides, start, stop, dense, least)
        else:
            waiting += _pairs(ranked, sides, start, stop, overlap, least)
        start = stop
        many = sum(len(rows) for rows, _, _ in waiting)
        if many and (many >= _AT_ONCE or stop == len(sides.rank)):
            rows, truths, ious = (np.concatenate(part) for part in zip(*waiting))
            waiting = []
            yield rows, truths, ious


def _pairs(
    ranked: np.ndarray, sides: Groups, start: int, stop: int, overlap: Overlap, least: float
) -> Iterator[Edges]:
    """Iterate over pairs of the rows start .. stop - 1 that overlap by `least` or more."""
    for first, last in spans(sides.count[start:stop], _AT_ONCE):
        rows = slice(start + first, start + last)
        counts = sides.count[rows]
        repeated = np.repeat(np.arange(rows.start, rows.stop), counts)
        truths = np.repeat(sides.first[rows] - (np.cumsum(counts) - counts), counts)
        truths = np.take(sides.truths, truths + np.arange(len(truths)))
        ious = overlap(np.take(ranked, np.take(sides.rows, repeated)), truths)
        enough = np.flatnonzero(ious >= least)
        yield repeated[enough], truths[enough], ious[enough]


def _dense_pairs(
    ranked: np.ndarray, sides: Groups, start: int, stop: int, dense: Dense, least: float
) -> Iterator[Edges]:
    """Do the same for one group, all detections with all true objects."""
    count = int(sides.count[start])
    truths = sides.truths[sides.first[start] : sides.first[start] + count]
    step = max(1, _AT_ONCE // count)
    for first in range(start, stop, step):
        rows = ranked[sides.rows[first : min(first + step, stop)]]
        ious = dense(rows, truths)
        row, other = np.nonzero(ious >= least)
        yield first + row, truths[other], ious[row, other]
