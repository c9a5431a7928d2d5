"""Keypoints of a dataset in the order of a head's."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from densefit.data.geometry.target_kinds import KINDS
from densefit.data.sample import Dataset
from densefit.data.wrapped import attribute_of
from densefit.errors import DataError
from densefit.once import first_time

_log = logging.getLogger("densefit")

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


@dataclass(frozen=True)
class LatePoints:
    """Keypoints that no sample of a dataset was seen to have, and whose names are not the common.

    Attributes:
        where: the dataset, to be named in errors.
        names: of its keypoints; none if it has none.
        common: those of the other datasets.
    """

    where: str
    names: Sequence[str]
    common: Sequence[str]

    def __call__(self, targets: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The targets. Without names, keypoints go by their numbers, which is logged once.

        Raises:
            DataError: there are keypoints after all, and they have other names.
        """
        if POINTS not in targets:
            return dict(targets)
        if self.names:
            raise DataError(
                f"A sample has the target {POINTS!r}, which none had of those that were looked at, "
                "and with other names",
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
    datasets: Mapping[str, Dataset], perhaps: Mapping[str, Dataset] = MappingProxyType({})
) -> tuple[list[str] | None, dict[str, PointChange]]:
    """The keypoint names of datasets, and how those in another order than the first's move.

    None, and no map, where they have different names, or one has none: they are not the same
    keypoints, or nobody knows.

    Args:
        datasets: by name, those that have keypoints.
        perhaps: by name, those of which no sample was seen to have some. Without `datasets`, the
            first of these that has names gives the order.
    """
    lists, later = (
        {name: _names(own) for name, own in some.items()} for some in (datasets, perhaps)
    )
    if not lists:
        lists = dict([next(((name, own) for name, own in later.items() if own), ("", []))])
    if len({frozenset(names) for names in lists.values()}) != 1:
        return None, {}
    common = next(iter(lists.values()))
    if not common:
        return None, {}
    changes: dict[str, PointChange] = {}
    for name, names in (*lists.items(), *later.items()):
        where = f"dataset {name!r}, target {POINTS!r}"
        if names != common and set(names) == set(common):
            table = np.array([common.index(point) for point in names])
            changes[name] = PointMap(POINTS, table, len(common), where)
        elif names != common:
            changes[name] = LatePoints(where, names, common)
    return common, changes


def _names(dataset: Dataset) -> list[str]:
    return list(attribute_of(dataset, "keypoint_names") or ())
