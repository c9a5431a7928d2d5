"""Reorder a dataset's keypoints to a head's, by name."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from densefit.data.geometry.target_kinds import KINDS
from densefit.data.sample import Dataset
from densefit.data.wrapped import attribute_of, points_attribute
from densefit.errors import DataError
from densefit.once import first_time

_log = logging.getLogger("densefit")

POINTS = "keypoints"


@dataclass(frozen=True)
class PointMap:
    """Reorder keypoints by an index table.

    Attributes:
        target: name of the keypoint target.
        table: (K,) the head's index of each of the dataset's keypoints.
        count: number of the head's keypoints; the ones that the dataset lacks are unlabelled.
        where: head and dataset, for errors.
    """

    target: str
    table: np.ndarray
    count: int
    where: str

    def __call__(self, targets: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the targets with keypoints and their flip order in the head's order.

        Raises:
            DataError: a sample has another number of keypoints than its dataset has names.
        """
        reordered = dict(targets)
        if self.target not in targets:
            return reordered
        points = np.asarray(targets[self.target])
        if points.ndim != 3 or points.shape[1] != len(self.table):
            raise DataError(
                "A sample has another number of keypoints than its dataset has names",
                expected=f"shape (n, {len(self.table)}, 3)",
                received=f"shape {points.shape}",
                where=self.where,
            )
        head_points = np.zeros((len(points), self.count, points.shape[2]), points.dtype)
        head_points[:, self.table] = points
        reordered[self.target] = head_points
        flip = KINDS[self.target].flip
        if flip in targets:
            order = np.arange(self.count)
            order[self.table] = self.table[np.asarray(targets[flip], np.int64)]
            reordered[flip] = order
        return reordered


@dataclass(frozen=True)
class LatePoints:
    """Check keypoints that no probed sample has, and whose names differ from the common ones.

    Attributes:
        where: the dataset, for errors.
        names: keypoint names of the dataset; may be empty.
        common: keypoint names of the other datasets.
        target: name of the keypoints.
    """

    where: str
    names: Sequence[str]
    common: Sequence[str]
    target: str = POINTS

    def __call__(self, targets: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the targets; nameless keypoints are matched by index, which is logged once.

        Raises:
            DataError: the sample has keypoints, with other names.
        """
        if self.target not in targets:
            return dict(targets)
        if self.names:
            raise DataError(
                f"A sample has the target {self.target!r}, which none had of those that were "
                "looked at, and with other names",
                expected=str(list(self.common)),
                received=str(list(self.names)),
                where=self.where,
                fix="rename the target, Mixture(targets={name: {'keypoints': ...}}), or give the "
                "dataset the same keypoint_names, in any order",
            )
        if first_time("nameless keypoints", self.where, tuple(self.common)):
            _log.warning(
                "keypoints have no names here, and count by their numbers, 0 is %r. To have them "
                "matched by name, give the dataset an attribute keypoint_names = [...] (%s)",
                *(self.common[0], self.where),
            )
        return dict(targets)


PointChange = PointMap | LatePoints


def common_points(
    datasets: Mapping[str, Dataset],
    perhaps: Mapping[str, Dataset] = MappingProxyType({}),
    target: str = POINTS,
    originals: Mapping[str, str] = MappingProxyType({}),
) -> tuple[list[str] | None, dict[str, PointChange]]:
    """Return the common keypoint names of datasets, and how each is brought to their order.

    Returns None and no maps if the names differ or a dataset has none: the keypoints may not be
    the same.

    Args:
        datasets: name -> dataset that has keypoints.
        perhaps: name -> dataset of which no probed sample has keypoints. If `datasets` is empty,
            the first of these with keypoint names sets the order.
        target: name of the keypoints.
        originals: name -> the dataset's own name of the keypoints, if it is another.
    """
    lists, later = (
        {name: _names(dataset, originals.get(name, target)) for name, dataset in group.items()}
        for group in (datasets, perhaps)
    )
    if not lists:
        lists = dict([next(((name, names) for name, names in later.items() if names), ("", []))])
    if len({frozenset(names) for names in lists.values()}) != 1:
        return None, {}
    common = next(iter(lists.values()))
    if not common:
        return None, {}
    changes: dict[str, PointChange] = {}
    for name, names in (*lists.items(), *later.items()):
        where = f"dataset {name!r}, target {target!r}"
        if names != common and set(names) == set(common):
            table = np.array([common.index(point) for point in names])
            changes[name] = PointMap(target, table, len(common), where)
        elif names != common:
            changes[name] = LatePoints(where, names, common, target)
    return common, changes


def _names(dataset: Dataset, target: str) -> list[str]:
    return list(attribute_of(dataset, points_attribute(target)) or ())
