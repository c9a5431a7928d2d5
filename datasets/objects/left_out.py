"""A count of what annotation files hold and a dataset has no use for."""

from __future__ import annotations

import logging
from collections import Counter

from densefit.once import warn_once

logger = logging.getLogger(__name__)


class LeftOut:
    """Counts shapes that become no objects, by kind.

    Attributes:
        counts: kind -> number.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._first: object = None

    def add(self, kind: str, where: object) -> None:
        """Count a shape.

        Args:
            kind: of the shape: "line".
            where: it is.
        """
        self.counts[kind] += 1
        self._first = self._first or where

    def __str__(self) -> str:
        return ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts.items()))

    def report(self, dataset: object, why: str) -> None:
        """One warning about all of them.

        Args:
            dataset: for the message.
            why: they are left out, as the end of a sentence: "they enclose no area".
        """
        if self.counts:
            warn_once(
                logger,
                "%s: %d shapes are left out, since %s (%s), the first in %s",
                *(dataset, sum(self.counts.values()), why, self, self._first),
            )
