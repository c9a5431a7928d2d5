"""Keypoints of a dataset in the order of a head's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from densefit.data.target import KINDS
from densefit.errors import DataError


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
