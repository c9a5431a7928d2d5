"""Count boxes that are dropped or lose most of their area, and warn once."""

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
    "image; are they of an image of another size? The first: %s",
}


class BoxRemark(NamedTuple):
    """A remark on one box.

    Attributes:
        kind: WITHOUT_AREA or CUT.
        line: description of the box.
    """

    kind: str
    line: str


class DroppedBoxes:
    """Count the remarks on boxes in one pass over a dataset.

    Args:
        dataset: dataset of the boxes.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self._counts: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """Number of boxes without area that were dropped so far."""
        return self._counts[WITHOUT_AREA]

    @property
    def cut(self) -> int:
        """Number of boxes that lost more than half of their area by clipping."""
        return self._counts[CUT]

    def add(self, remarks: Sequence[BoxRemark]) -> None:
        """Count a sample's remarks; log the first of each kind, once per dataset and process."""
        for kind, line in remarks:
            if not self._counts[kind]:
                name = dataset_name(self._dataset)
                if first_time(kind, name, len(self._dataset)):
                    _log.warning(_TEXTS[kind], name, line)
            self._counts[kind] += 1
