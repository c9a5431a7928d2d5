"""Greedy matching of the COCO evaluation, for many groups, thresholds and areas at once."""

from __future__ import annotations

import numpy as np

from densefit.metrics.coco.groups import index_in_run, run_starts, stable_order

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
    """Match the detections of each group with true objects, by descending score.

    A detection takes the free true object of the largest overlap that reaches the threshold, the
    last of equals. An ignored object is taken only if there is no other. A crowd stays free. This
    is `COCOeval.evaluateImg` of pycocotools, which loops over images, thresholds, detections and
    true objects; here each round matches one detection of every group.

    Args:
        rows: (e,) ascending detections of the pairs that overlap sufficiently. In a group a lower
            number has a higher score.
        groups: (e,) their groups, ascending.
        truths: (e,) the true objects of the pairs, ascending for each detection.
        ious: (e,) float64, not under the lowest threshold.
        ignored: (n, areas) bool: true objects that are ignored in each area range.
        crowd: (n,) bool; a crowd is ignored in all area ranges.
        thresholds: (t,) ascending.

    Returns:
        (distinct rows (r,) in any order, their verdicts (r, areas, t) int8: 0 for no match,
        MATCHED or IGNORED).
    """
    begins = run_starts(rows)
    counts = np.diff(begins, append=len(rows))
    turns = index_in_run(groups[begins])
    order = stable_order(turns)
    rounds = np.append(run_starts(turns[order]), len(order))
    counts, edges = counts[order], _regrouped(begins[order], counts[order], ious)
    ends = np.cumsum(counts)
    starts = ends - counts

    # The value that decides: the rank among the edges of its detection, from 1, plus `best` for
    # objects that are not ignored; 0 where the overlap is too small. A column for each area and
    # threshold.
    truths = truths[edges]
    whole = np.int16 if counts.max(initial=0) < 1 << 14 else np.int32
    best = whole(np.iinfo(whole).max // 2 + 1)
    rank = (np.arange(len(edges)) - np.repeat(starts - 1, counts)).astype(whole)
    value = np.where(ignored[truths], whole(0), best) + rank[:, None]
    reached = np.searchsorted(thresholds, ious[edges], side="right")[:, None]
    value = np.repeat(value, len(thresholds), axis=1)
    value *= np.tile(np.arange(len(thresholds)) < reached, (1, ignored.shape[1]))

    distinct, local = np.unique(truths, return_inverse=True)
    free = np.ones((len(distinct), value.shape[1]), bool)
    stays = crowd[distinct]
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
    verdicts = verdict.reshape(len(order), ignored.shape[1], len(thresholds))
    return rows[begins[order]], verdicts


def _regrouped(begins: np.ndarray, counts: np.ndarray, ious: np.ndarray) -> np.ndarray:
    """Order the edges by detection, and by ascending overlap within a detection.

    Args:
        begins: (r,) index of each detection's first edge.
        counts: (r,) number of its edges.
        ious: (e,).

    Returns:
        (e,) int64.
    """
    starts = np.cumsum(counts) - counts
    edges = np.repeat(begins - starts, counts) + np.arange(len(ious))
    several = np.flatnonzero(np.repeat(counts > 1, counts))  # most have a single edge
    chosen = edges[several]
    owner = np.repeat(np.arange(len(begins)), counts)[several]
    rising = np.argsort(ious[chosen], kind="stable")
    edges[several] = chosen[rising[stable_order(owner[rising])]]
    return edges
