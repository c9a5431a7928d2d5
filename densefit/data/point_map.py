"""Keypoints of a dataset in the order of a head's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from densefit.data.sample import Dataset
from densefit.data.target import KINDS
from densefit.data.wrapped import attribute_of
from densefit.errors import DataError

POINTS = "keypoints"


@dataclass(frozen=True)
class PointMap:
    """How keypoints change places.

    Attributes:
        target: that holds them.
        table: (K,) the head's place of each of the dataset's keypoints.
        count: keypoints of the head. Those that the dataset lacks are not labelled.
        where: to be named in errors.
    """

    target: str
    table: np.ndarray
    count: int
    where: str

    def __call__(self, targets: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The targets, keypoints and what changes places in a mirror in the head's order.

        Raises:
            DataError: a sample has another number of keypoints than its dataset has names.
        """
        found = dict(targets)
        if self.target not in targets:
            return found
        points = np.asarray(targets[self.target])
        if points.ndim != 3 or points.shape[1] != len(self.table):
            raise DataError(
                "A sample has another number of keypoints than its dataset has names",
                expected=f"shape (n, {len(self.table)}, 3)",
                received=f"shape {points.shape}",
                where=self.where,
            )
        moved = np.zeros((len(points), self.count, points.shape[2]), points.dtype)
        moved[:, self.table] = points
        found[self.target] = moved
        flip = KINDS[self.target].flip
        if flip in targets:
            order = np.arange(self.count)
            order[self.table] = self.table[np.asarray(targets[flip], np.int64)]
            found[flip] = order
        return found


def common_points(
    datasets: Mapping[str, Dataset],
) -> tuple[list[str] | None, dict[str, PointMap]]:
    """The keypoint names of datasets, and how those in another order than the first's move.

    None, and no map, where they have different names, or one has none: they are not the same
    keypoints, or nobody knows.

    Args:
        datasets: by name, those that have keypoints.
    """
    lists = {
        name: list(attribute_of(own, "keypoint_names") or ()) for name, own in datasets.items()
    }
    if len({frozenset(names) for names in lists.values()}) != 1:
        return None, {}
    common = next(iter(lists.values()))
    maps = {
        name: PointMap(
            POINTS,
            np.array([common.index(point) for point in names]),
            len(common),
            f"dataset {name!r}, target {POINTS!r}",
        )
        for name, names in lists.items()
        if names != common
    }
    return common or None, maps
