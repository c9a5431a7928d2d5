"""A subset of a dataset's classes, and their indices in the head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.errors import ConfigError, DataError
from densefit.model.heads.head import class_names
from densefit.registry import nearest

OTHER = -1


class ClassSubset:
    """A subset of a list of classes, by name.

    Args:
        classes: names of the subset, or a number of classes.
        among: names of all classes in the order of the targets' indices, or their number. None:
            `classes` are all.
        where: head, for error messages.

    Attributes:
        names: names of the subset, in the order of the head's indices.
        among: names of all classes.

    Raises:
        ConfigError: no class, duplicate names, or a class that is not in `among`.
    """

    def __init__(
        self, classes: int | Sequence[str], among: int | Sequence[str] | None, where: str
    ) -> None:
        self.names = class_names(classes)
        self.among = self.names if among is None else class_names(among)
        for names in (self.names, self.among):
            if not 0 < len(set(names)) == len(names):
                raise ConfigError(
                    "A keypoint head needs classes of different names", received=names, where=where
                )
        for name in self.names:
            if name not in self.among:
                raise ConfigError(
                    f"The class {name!r} of a keypoint head is not a class of its dataset",
                    where=where,
                    fix=nearest(name, self.among),
                )
        index_of = {name: index for index, name in enumerate(self.names)}
        self._table = np.array([index_of.get(name, OTHER) for name in self.among], np.int64)

    def indices(self, numbers: np.ndarray, where: str) -> np.ndarray:
        """Map the targets' class indices to the head's; -1 for classes outside of the subset.

        Args:
            numbers: (n,) class indices of the targets.
            where: sample and head, for error messages.

        Returns:
            (n,) int64.

        Raises:
            DataError: an index out of range.
        """
        numbers = np.asarray(numbers, np.int64)
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(self.among):
            raise DataError(
                "An object is of no known class",
                expected=f"class indices 0 to {len(self.among) - 1}",
                received=f"{numbers.min()} to {numbers.max()}",
                where=where,
                fix="make the head with the dataset's classes: `among`, or `classes` for all",
            )
        return np.asarray(self._table[numbers])

    def select(self, values: np.ndarray) -> np.ndarray:
        """Select the entries of a per-class array that belong to the subset.

        Args:
            values: one entry for each class of `among`.
        """
        return np.asarray(values[[self.among.index(name) for name in self.names]])
