"""Compare the number of samples of scoring passes over a user's iterator."""

from __future__ import annotations

import logging
from typing import Any

from densefit.once import warn_once

_log = logging.getLogger("densefit")


class PassRows:
    """Warn if a scoring pass has another number of samples than announced, or than the last pass.

    The number of samples of densefit's loaders and MXNet's iterators is checked by the scorer.

    Args:
        iterator: iterator of the data; its `num_data`, as of NDArrayIter, is the announced number.
        where: purpose of the data.
    """

    def __init__(self, iterator: Any, where: str) -> None:
        self._name, self._where = type(iterator).__name__, where
        announced = getattr(iterator, "num_data", None)
        is_number = isinstance(announced, int) and not isinstance(announced, bool)
        self._announced = announced if is_number else None
        self._before: int | None = None

    def look(self, rows: int) -> None:
        """Check the number of samples of a pass."""
        before, self._before = self._before, rows
        if self._announced is not None and rows != self._announced:
            warn_once(
                _log,
                "%d samples came from the %s data, and %s has num_data=%d: the scores are of those "
                "that came",
                *(rows, self._where, self._name, self._announced),
            )
        if before is not None and rows != before:
            warn_once(
                _log,
                "%d samples came from the %s data, and %d in the pass before: their scores cannot "
                "be compared. Does %s.reset() begin with the first sample?",
                *(rows, self._where, before, self._name),
            )
