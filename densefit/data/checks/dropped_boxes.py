"""Boxes that are left out of samples or cut to little: a warning, and their number."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from densefit.data.sample_id import dataset_name
from densefit.once import first_time

_log = logging.getLogger("densefit")

WITHOUT_AREA = "without area"
CUT = "cut"
_TEXTS = {
    WITHOUT_AREA: "Boxes without area are left out of the dataset %s, the first: %s",
    CUT: "Boxes of the dataset %s lose more than half of their area where they are cut to the "
    "picture; are they of a picture of another size? The first: %s",
}


class BoxRemark(NamedTuple):
    """What is said of one box.

    Attributes:
        kind: WITHOUT_AREA or CUT.
        line: which one it is.
    """

    kind: str
    line: str


class DroppedBoxes:
    """Counts the boxes of which something was said in one visit of each sample.

    Args:
        dataset: whose they are.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self._counts: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """Boxes without area, which were left out, so far."""
        return self._counts[WITHOUT_AREA]

    @property
    def cut(self) -> int:
        """Boxes that lost more than half of their area where they were cut to the picture."""
        return self._counts[CUT]

    def add(self, remarks: Sequence[BoxRemark]) -> None:
        """Count the boxes of a sample; a dataset's first of each kind is told, once a process."""
        for kind, line in remarks:
            if not self._counts[kind]:
                name = dataset_name(self._dataset)
                if first_time(kind, name, len(self._dataset)):
                    _log.warning(_TEXTS[kind], name, line)
            self._counts[kind] += 1
