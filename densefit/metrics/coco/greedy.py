"""The greedy choice of the COCO evaluation, for many groups, thresholds and areas at once."""

from __future__ import annotations

import numpy as np

from densefit.metrics.coco.groups import place_in_run, run_starts, stable_order

MATCHED, IGNORED = 1, 2


def greedy(
    rows: np.ndarray,
    groups: np.ndarray,
    truths: np.ndarray,
    ious: np.ndarray,
    ignored: np.ndarray,
    crowd: np.ndarray,
    thresholds: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Let the detections of each group choose among the true objects, by falling score.

    A detection takes the true object of the largest overlap that reaches the threshold and is
    free, the last of equals. An ignored one is taken only if there is no other. A crowd stays
    free. This is `COCOeval.evaluateImg` of pycocotools, where the loops go over images,
    thresholds, detections and true objects; here a round lets one detection of every group
    choose.

    Args:
        rows: (e,) the detections of the pairs that overlap enough, rising. In a group a lower
            number has a higher score.
        groups: (e,) their groups, rising.
        truths: (e,) the true objects of the pairs; for one detection rising.
        ious: (e,) float64, not under the lowest threshold.
        ignored: (n, areas) bool: which true objects are ignored in which area range.
        crowd: (n,) bool; a crowd is ignored in all of them.
        thresholds: (t,) rising.

    Returns:
        (distinct rows (r,) in any order, what became of them (r, areas, t) int8: 0 for no match,
        MATCHED or IGNORED).
    """
    own = run_starts(rows)
    counts = np.diff(own, append=len(rows))
    turns = place_in_run(groups[own])
    order = stable_order(turns)
    rounds = np.append(run_starts(turns[order]), len(order))
    counts, edges = counts[order], _regrouped(own[order], counts[order], ious)
    ends = np.cumsum(counts)
    starts = ends - counts

    # The number that decides: the place among the edges of its detection, from 1, and `best` more
    # for what is not ignored; 0 where the overlap is too small. A column for each area and
    # threshold.
    truths = truths[edges]
    whole = np.int16 if counts.max(initial=0) < 1 << 14 else np.int32
    best = whole(np.iinfo(whole).max // 2 + 1)
    place = (np.arange(len(edges)) - np.repeat(starts - 1, counts)).astype(whole)
    value = np.where(ignored[truths], whole(0), best) + place[:, None]
    reached = np.searchsorted(thresholds, ious[edges], side="right")[:, None]
    value = np.repeat(value, len(thresholds), axis=1)
    value *= np.tile(np.arange(len(thresholds)) < reached, (1, ignored.shape[1]))

    known, local = np.unique(truths, return_inverse=True)
    free = np.ones((len(known), value.shape[1]), bool)
    stays = crowd[known]
    verdict = np.zeros((len(order), value.shape[1]), np.int8)
    for first, last in zip(rounds[:-1], rounds[1:]):
        here = slice(starts[first], ends[last - 1])
        choice = np.take(free, local[here], axis=0) * value[here]
        if len(choice) > last - first:
            choice = np.maximum.reduceat(choice, starts[first:last] - here.start, axis=0)
        verdict[first:last] = (choice > 0) * np.int8(IGNORED) - (choice > best)
        if last < len(order):
            who, column = np.nonzero(choice)
            taken = local[starts[first + who] + (choice[who, column] & (best - 1)) - 1]
            free[taken, column] = stays[taken]
    verdict = verdict.reshape(len(order), ignored.shape[1], len(thresholds))
    return rows[own[order]], verdict


def _regrouped(own: np.ndarray, counts: np.ndarray, ious: np.ndarray) -> np.ndarray:
    """The edges of the detections one after another, each one's by rising overlap.

    Args:
        own: (r,) where each detection's edges begin.
        counts: (r,) how many they are.
        ious: (e,).

    Returns:
        (e,) int64.
    """
    starts = np.cumsum(counts) - counts
    edges = np.repeat(own - starts, counts) + np.arange(len(ious))
    several = np.flatnonzero(np.repeat(counts > 1, counts))  # most have only one
    chosen = edges[several]
    owner = np.repeat(np.arange(len(own)), counts)[several]
    rising = np.argsort(ious[chosen], kind="stable")
    edges[several] = chosen[rising[stable_order(owner[rising])]]
    return edges
