"""Classes of several datasets as one list: numbers in targets change by the classes' names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.data.geometry.target_kinds import KINDS, PER_OBJECT, kind_of
from densefit.data.sample import Dataset
from densefit.data.sample_id import dataset_name
from densefit.data.wrapped import named_classes
from densefit.errors import ConfigError, DataError
from densefit.registry import nearest

IGNORE = 255  # of maps
UNKNOWN = -1  # of numbers
OBJECTS = "classes"  # the target that has a class for each object
#: Targets whose numbers are classes.
CLASS_TARGETS = (OBJECTS, "mask", "label", "labels")
UNKNOWNS = ("refuse", "drop")

Renames = Mapping[str, str | None]


@dataclass(frozen=True)
class ClassMap:
    """What becomes of one target's numbers.

    Attributes:
        where: dataset and target, to be named in errors.
        table: own class index -> common one; -1 for a class that is dropped.
        count: common classes.
    """

    where: str
    table: np.ndarray
    count: int

    def objects(self, value: np.ndarray) -> np.ndarray:
        """Class indices of objects, (n,) int64; -1 for one that is dropped.

        Raises:
            DataError: a number that is no class.
        """
        value = np.asarray(value, np.int64)
        self._check(value)
        return np.asarray(self.table[value])

    def picture(self, value: np.ndarray) -> np.ndarray:
        """The class of a picture, () int64; -1 if it is dropped or was unknown (-1 or 255).

        Raises:
            DataError: a number that is no class.
        """
        number = int(value)
        if number == UNKNOWN or number == IGNORE >= len(self.table):
            return np.array(UNKNOWN, np.int64)
        return self.objects(np.array(number))

    def pixels(self, value: np.ndarray) -> np.ndarray:
        """A map of class indices, (H, W) uint8; 255 for what is dropped. 255 stays.

        Raises:
            DataError: a number that is no class, or a map that is not of bytes.
        """
        if value.dtype != np.uint8:
            raise DataError(
                "A map of classes is not of bytes",
                expected="uint8",
                received=value.dtype,
                where=self.where,
            )
        known = self.table[:IGNORE]
        new, wrong = np.full(256, IGNORE, np.uint8), np.ones(256, bool)
        new[: len(known)] = np.where(known < 0, IGNORE, known)
        wrong[: len(known)] = wrong[IGNORE] = False
        if wrong[value].any():
            self._check(np.unique(value[wrong[value]]))
        return np.asarray(new[value])

    def shown(self, value: np.ndarray) -> np.ndarray:
        """For each of the common classes 1, 0, or -1 where it is not known, (count,) int64.

        Of several classes that became one, one that is shown is enough; that it is not shown takes
        all of them.

        Raises:
            DataError: another number of classes.
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
        found: np.ndarray = np.full(self.count, UNKNOWN, np.int64)
        kept = self.table >= 0
        for number in (0, UNKNOWN, 1):  # the later ones go before
            found[self.table[kept & (value == number)]] = number
        return found

    def known(self, own: np.ndarray | None = None) -> np.ndarray:
        """(count,) bool: which of the common classes the dataset, or a sample of it, knows.

        Args:
            own: which of its own classes the sample knows; all by default.
        """
        found: np.ndarray = np.zeros(self.count, bool)
        kept = self.table >= 0
        found[self.table[kept]] = True
        if own is not None:
            found[self.table[kept & ~np.asarray(own, bool)]] = False
        return found

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
        ConfigError: it has neither.
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
    """A dataset's class names as the others call them; None for what is dropped."""
    return [renames.get(name, name) for name in names]


def union(lists: Sequence[Sequence[str | None]]) -> list[str]:
    """All names in the order in which they come first.

    >>> union([["cat", "dog"], ["dog", None, "cow"]])
    ['cat', 'dog', 'cow']
    """
    found = dict.fromkeys(name for names in lists for name in names)
    return [name for name in found if name is not None]


def class_map(
    dataset: Dataset, target: str, renames: Renames, common: Sequence[str], unknown: str, name: str
) -> ClassMap:
    """How a dataset's numbers of one target become those of the common list.

    Args:
        dataset: whose classes they are.
        target: "classes", "mask", "label" or one of your own.
        renames: own name -> common name, None to drop it.
        common: the common names.
        unknown: "refuse" or "drop" classes that are not among them.
        name: of the dataset, to be named in errors.

    Raises:
        ConfigError: a class that is not in the common list.
    """
    table = []
    places = {common_name: place for place, common_name in enumerate(common)}
    names = own_classes(dataset, target)
    for own, new in zip(names, renamed(names, renames)):
        if new is None or (new not in places and unknown == "drop"):
            table.append(UNKNOWN)
        elif new in places:
            table.append(places[new])
        else:
            raise ConfigError(
                f"The class {new!r} of the dataset {name!r} is not in the common list",
                received=f"{own!r}, renamed" if own != new else None,
                where=f"target {target!r}",
                fix=f"rename={{{name!r}: {{{own!r}: ...}}}} (None drops it), or unknown='drop'; "
                f"{nearest(new, common)}",
            )
    return ClassMap(f"dataset {name!r}, target {target!r}", np.array(table, np.int64), len(common))


def mapped(
    targets: Mapping[str, np.ndarray], maps: Mapping[str, ClassMap]
) -> dict[str, np.ndarray]:
    """A sample's targets in common classes; objects of a dropped class are gone.

    Args:
        targets: by name, in the coordinates of the picture.
        maps: target -> how its numbers change; others stay.

    Raises:
        DataError: a number that is no class.
    """
    found = dict(targets)
    dropped: Any = False
    for target, change in maps.items():
        if target not in found:
            continue
        value = found[target]
        if target in KINDS and KINDS[target].name in PER_OBJECT:
            found[target] = change.objects(value)
            dropped = dropped | (found[target] < 0)
        elif np.ndim(value) == 1:
            found[target] = change.shown(value)
        else:
            found[target] = change.pixels(value) if np.ndim(value) else change.picture(value)
    if np.any(dropped):
        kept = ~dropped
        for target, value in found.items():
            if kind_of(target, value).name in PER_OBJECT:
                found[target] = value[kept]
    return found
