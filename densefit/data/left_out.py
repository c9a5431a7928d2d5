"""Boxes without area, which are left out of samples: a warning, and their number."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from densefit.data.sample_id import dataset_name

_log = logging.getLogger("densefit")


class LeftOut:
    """Counts the boxes that were left out in one visit of each sample.

    Args:
        dataset: whose they are.

    Attributes:
        count: boxes so far.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self.count = 0

    def add(self, lines: Sequence[str]) -> None:
        """Count the boxes of a sample; the first of all is told in a warning."""
        if lines and not self.count:
            _log.warning(
                "Boxes without area are left out of the dataset %s, the first: %s",
                dataset_name(self._dataset),
                lines[0],
            )
        self.count += len(lines)
