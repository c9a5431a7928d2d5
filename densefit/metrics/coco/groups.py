"""Rank the detections that the COCO evaluation takes, and group them with true objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


def ranking(images: np.ndarray, labels: np.ndarray, scores: np.ndarray, limit: int) -> np.ndarray:
    """Rank the detections to evaluate: class by class, in each class by descending score.

    Equal scores keep the order of the images, and within an image the order given (pycocotools
    uses a merge sort for each image and then for all). Only the `limit` highest-scoring detections
    of each image and class stay.

    >>> ranking(np.array([0, 0, 0, 1]), np.array([1, 0, 0, 0]), np.array([9.0, 3, 3, 8]), limit=1)
    array([3, 1, 0])

    Args:
        images: (m,) int64, ascending.
        labels: (m,) int64, from 0.
        scores: (m,) float64.
        limit: 1 or more.

    Returns:
        (n,) int64, rows of the arguments.
    """
    order = np.argsort(-scores, kind="stable")
    if np.bincount(images).max(initial=0) > limit:
        grouped = order[by_group(images[order], labels[order])]
        within_limit = np.zeros(len(order), bool)
        within_limit[grouped] = index_in_run(images[grouped], labels[grouped]) < limit
        order = order[within_limit[order]]
    return order[stable_order(labels[order])]


def by_group(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Stable order by class, and in each class by image, (m,) int64."""
    order = stable_order(images)
    return order[stable_order(labels[order])]


def stable_order(keys: np.ndarray) -> np.ndarray:
    """`argsort(kind="stable")` of integers from 0; in linear time up to 65,535."""
    small = keys.max(initial=0) < 1 << 16
    return np.argsort(keys.astype(np.uint16) if small else keys, kind="stable")


def run_starts(*keys: np.ndarray) -> np.ndarray:
    """Indices where runs of equal keys begin, (runs,) int64.

    >>> run_starts(np.array([4, 4, 4, 7]), np.array([0, 0, 1, 1]))
    array([0, 2, 3])
    """
    fresh = np.ones(len(keys[0]), bool)
    if len(fresh):
        fresh[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.flatnonzero(fresh)


def index_in_run(*keys: np.ndarray) -> np.ndarray:
    """Index of each row in its run of equal keys, (m,) int64.

    >>> index_in_run(np.array([4, 4, 4, 7]), np.array([0, 0, 1, 1]))
    array([0, 1, 0, 0])
    """
    rows = np.arange(len(keys[0]))
    starts = run_starts(*keys)
    return rows - np.repeat(starts, np.diff(starts, append=len(rows)))


@dataclass(frozen=True)
class Groups:
    """Detections that share image and class with true objects, group by group.

    Attributes:
        rows: (r,) indices into the ranking; in each group by descending score.
        rank: (r,) rank of each row in its group, from 0.
        truths: (n,) the true objects, class by class, in each class by image.
        first: (r,) index in `truths` of the row's first true object.
        count: (r,) number of its true objects, 1 or more.
    """

    rows: np.ndarray
    rank: np.ndarray
    truths: np.ndarray
    first: np.ndarray
    count: np.ndarray

    def number(self) -> np.ndarray:
        """Number of each row's group, (r,) int64, ascending from 0."""
        return np.cumsum(self.rank == 0) - 1


def groups(
    images: np.ndarray, labels: np.ndarray, true_images: np.ndarray, true_labels: np.ndarray
) -> Groups:
    """Group detections and true objects by image and class.

    Args:
        images: (m,) int64 of the detections, in the order of `ranking`.
        labels: (m,) int64, their classes.
        true_images: (n,) int64 of the true objects, ascending.
        true_labels: (n,) int64, their classes.
    """
    truths = by_group(true_images, true_labels)
    if not len(truths):
        none = np.zeros(0, np.int64)
        return Groups(none, none, none, none, none)
    span = 1 + max(images.max(initial=0), true_images.max())
    keys = true_labels[truths] * span + true_images[truths]
    starts = run_starts(keys)
    sizes = np.diff(starts, append=len(keys))
    distinct = keys[starts]
    predicted_keys = labels * span + images
    group = np.minimum(np.searchsorted(distinct, predicted_keys), len(distinct) - 1)
    rows = np.flatnonzero(distinct[group] == predicted_keys)
    rows = rows[stable_order(group[rows])]
    group = group[rows]
    return Groups(rows, index_in_run(group), truths, starts[group], sizes[group])


def spans(sizes: np.ndarray, limit: int) -> Iterator[tuple[int, int]]:
    """Cut items into spans (first, last + 1) of a total size up to `limit`, or of a single item.

    >>> list(spans(np.array([3, 3, 3, 9, 1]), limit=6))
    [(0, 2), (2, 3), (3, 4), (4, 5)]
    """
    ends = np.cumsum(sizes)
    first = 0
    while first < len(sizes):
        before = ends[first - 1] if first else 0
        last = max(int(np.searchsorted(ends, before + limit, side="right")), first + 1)
        yield first, last
        first = last
