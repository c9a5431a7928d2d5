"""Which of a dataset's classes a head looks at, and what their numbers are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.errors import ConfigError, DataError
from densefit.model.heads.head import class_names
from densefit.registry import nearest

OTHER = -1


class ChosenClasses:
    """Some classes of a list, by name.

    Args:
        classes: names of those that a head looks at, or how many.
        among: names of all, in the order of the numbers in the targets, or how many. None: there
            are no others than `classes`.
        where: whose they are, for errors.

    Attributes:
        names: of those that the head looks at, in the order of its own numbers.
        among: of all.

    Raises:
        ConfigError: no class, equal names, or one that is not among all.
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
                    f"The class {name!r} of a keypoint head is not among those of its dataset",
                    where=where,
                    fix=nearest(name, self.among),
                )
        places = {name: index for index, name in enumerate(self.names)}
        self._table = np.array([places.get(name, OTHER) for name in self.among], np.int64)

    def own(self, numbers: np.ndarray, where: str) -> np.ndarray:
        """The head's numbers of classes, -1 for those that it does not look at.

        Args:
            numbers: (n,) of the targets.
            where: for errors.

        Returns:
            (n,) int64.

        Raises:
            DataError: a number that is no class.
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

    def of(self, values: np.ndarray) -> np.ndarray:
        """What is told of each class of the list, for each of the head's own.

        Args:
            values: one for each of `among`.
        """
        return np.asarray(values[[self.among.index(name) for name in self.names]])
