"""Map the class indices of several datasets to one common list, by class name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.data.geometry.box_members import row_owners
from densefit.data.geometry.target_kinds import kind_of
from densefit.data.sample import Dataset
from densefit.data.sample_id import dataset_name
from densefit.data.wrapped import named_classes
from densefit.errors import ConfigError, DataError
from densefit.registry import nearest

IGNORE = 255  # of maps
UNKNOWN = -1  # of class indices
OBJECTS = "classes"  # the target with one class per object
#: Targets that hold class indices.
CLASS_TARGETS = (OBJECTS, "mask", "label", "labels")
UNKNOWNS = ("refuse", "drop")

Renames = Mapping[str, str | None]


@dataclass(frozen=True)
class ClassMap:
    """Map the class indices of one target to the common classes.

    Attributes:
        where: dataset and target, for errors.
        table: the dataset's class index -> common index; -1 for a dropped class.
        count: number of common classes.
    """

    where: str
    table: np.ndarray
    count: int

    def objects(self, value: np.ndarray) -> np.ndarray:
        """Map the class indices of objects, (n,) int64; -1 for dropped classes.

        Raises:
            DataError: a class index is out of range.
        """
        value = np.asarray(value, np.int64)
        self._check(value)
        return np.asarray(self.table[value])

    def picture(self, value: np.ndarray) -> np.ndarray:
        """Map an image's class, () int64; -1 if it is dropped or was unknown (-1 or 255).

        Raises:
            DataError: a class index is out of range.
        """
        number = int(value)
        if number == UNKNOWN or number == IGNORE >= len(self.table):
            return np.array(UNKNOWN, np.int64)
        return self.objects(np.array(number))

    def pixels(self, value: np.ndarray) -> np.ndarray:
        """Map a mask of class indices, (H, W) uint8; dropped classes become 255, and 255 stays.

        Raises:
            DataError: a class index is out of range, or the mask is not uint8.
        """
        if value.dtype != np.uint8:
            raise DataError(
                "A map of classes is not of bytes",
                expected="uint8",
                received=value.dtype,
                where=self.where,
            )
        table = self.table[:IGNORE]
        new, wrong = np.full(256, IGNORE, np.uint8), np.ones(256, bool)
        new[: len(table)] = np.where(table < 0, IGNORE, table)
        wrong[: len(table)] = wrong[IGNORE] = False
        if wrong[value].any():
            self._check(np.unique(value[wrong[value]]))
        return np.asarray(new[value])

    def multilabel(self, value: np.ndarray) -> np.ndarray:
        """Map multi-label targets, (count,) int64: 1, 0, or -1 where unknown.

        Where several classes become one, the label is 1 if any is 1, and 0 only if all are 0.

        Raises:
            DataError: the number of classes differs.
        """
        value = np.asarray(value, np.int64)
        if value.shape != self.table.shape:
            raise DataError(
                "A target does not have one number for each class",
                expected=f"shape {self.table.shape}",
                received=f"shape {value.shape}",
                where=self.where,
                fix="give the dataset the names of its labels: labels_classes",
            )
        value = np.where(value == IGNORE, UNKNOWN, value)
        labels: np.ndarray = np.full(self.count, UNKNOWN, np.int64)
        is_kept = self.table >= 0
        for number in (0, UNKNOWN, 1):  # later values take precedence
            labels[self.table[is_kept & (value == number)]] = number
        return labels

    def annotated(self, annotated_classes: np.ndarray | None = None) -> np.ndarray:
        """(count,) bool: which common classes the dataset, or one of its samples, annotates.

        Args:
            annotated_classes: classes of the dataset that the sample annotates; all by default.
        """
        annotated: np.ndarray = np.zeros(self.count, bool)
        is_kept = self.table >= 0
        annotated[self.table[is_kept]] = True
        if annotated_classes is not None:
            annotated[self.table[is_kept & ~np.asarray(annotated_classes, bool)]] = False
        return annotated

    def _check(self, values: np.ndarray) -> None:
        wrong = values[(values < 0) | (values >= len(self.table))]
        if wrong.size:
            raise DataError(
                "A target holds a number that is no class",
                expected=f"0 to {len(self.table) - 1}",
                received=int(wrong.flat[0]),
                where=self.where,
            )


def own_classes(dataset: Dataset, target: str) -> list[str]:
    """Names of a target's classes: the dataset's `<target>_classes`, else its `classes`.

    Raises:
        ConfigError: the dataset has neither.
    """
    names = named_classes(dataset, target)
    if names is None:
        raise ConfigError(
            f"A dataset does not name the classes of its target {target!r}",
            expected="an attribute `classes`, their names in the order of their numbers",
            where=f"dataset {dataset_name(dataset)}",
            fix=f'give it one: dataset.{target}_classes = ["cat", ...]',
        )
    return list(names)


def renamed(names: Sequence[str], renames: Renames) -> list[str | None]:
    """Rename a dataset's classes to the common names; None for dropped classes."""
    return [renames.get(name, name) for name in names]


def union(lists: Sequence[Sequence[str | None]]) -> list[str]:
    """Union of name lists, in the order of first occurrence.

    >>> union([["cat", "dog"], ["dog", None, "cow"]])
    ['cat', 'dog', 'cow']
    """
    names_in_order = dict.fromkeys(name for names in lists for name in names)
    return [name for name in names_in_order if name is not None]


def class_map(
    dataset: Dataset, target: str, renames: Renames, common: Sequence[str], unknown: str, name: str
) -> ClassMap:
    """Build the map from a dataset's class indices of one target to the common list.

    Args:
        dataset: the dataset that names its classes.
        target: "classes", "mask", "label" or a custom target.
        renames: class name -> common name, None to drop the class.
        common: the common names.
        unknown: "refuse" or "drop" classes that are not in the common list.
        name: name of the dataset, for errors.

    Raises:
        ConfigError: a class is not in the common list.
    """
    table = []
    indices = {common_name: index for index, common_name in enumerate(common)}
    names = own_classes(dataset, target)
    for old, new in zip(names, renamed(names, renames)):
        if new is None or (new not in indices and unknown == "drop"):
            table.append(UNKNOWN)
        elif new in indices:
            table.append(indices[new])
        else:
            raise ConfigError(
                f"The class {new!r} of the dataset {name!r} is not in the common list",
                received=f"{old!r}, renamed" if old != new else None,
                where=f"target {target!r}",
                fix=f"rename={{{name!r}: {{{old!r}: ...}}}} (None drops it), or unknown='drop'; "
                f"{nearest(new, common)}",
            )
    return ClassMap(f"dataset {name!r}, target {target!r}", np.array(table, np.int64), len(common))


def mapped(
    targets: Mapping[str, np.ndarray], maps: Mapping[str, ClassMap]
) -> dict[str, np.ndarray]:
    """Map a sample's targets to the common classes, and drop objects of dropped classes.

    Args:
        targets: target name -> array, in image coordinates.
        maps: target -> its class map; other targets stay.

    Raises:
        DataError: a class index is out of range.
    """
    mapped_targets = dict(targets)
    dropped: dict[str | None, Any] = {}  # rows, by the boxes that they belong to
    owners = row_owners(targets, next((change.where for change in maps.values()), ""))
    for target, change in maps.items():
        if target not in mapped_targets:
            continue
        value = mapped_targets[target]
        if target in owners:
            mapped_targets[target] = change.objects(value)
            is_dropped = mapped_targets[target] < 0
            dropped[owners[target]] = is_dropped | dropped.get(owners[target], False)
        elif np.ndim(value) == 1:
            mapped_targets[target] = change.multilabel(value)
        else:
            mapped_targets[target] = (
                change.pixels(value) if np.ndim(value) else change.picture(value)
            )
    if any(np.any(rows) for rows in dropped.values()):
        for target, value in targets.items():
            kind_of(target, value)  # an array that is not declared may have a row for each box
    for target, boxes in owners.items():
        if np.any(dropped.get(boxes, False)):
            mapped_targets[target] = mapped_targets[target][~dropped[boxes]]
    return mapped_targets
