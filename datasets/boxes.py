"""Boxes of annotation files: which are usable, and what is said about the others."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError, DataError

logger = logging.getLogger(__name__)


class BoxCheck:
    """Counts (or refuses) boxes that enclose nothing.

    Args:
        policy: "drop" leaves them out, "raise" makes each an error.

    Attributes:
        dropped: how many were left out.
    """

    def __init__(self, policy: str) -> None:
        if policy not in ("drop", "raise"):
            raise ConfigError(
                "Unknown way to treat bad boxes",
                expected="'drop' or 'raise'",
                received=repr(policy),
            )
        self.policy = policy
        self.dropped = 0
        self._first: object = None

    def reject(self, why: str, box: Sequence[float], where: object) -> None:
        """Note a bad box. Raises DataError under the policy "raise"."""
        if self.policy == "raise":
            raise DataError(
                f"A box {why}",
                received=list(box),
                where=where,
                fix='correct it, or leave such boxes out with bad_boxes="drop"',
            )
        self.dropped += 1
        self._first = self._first or f"{list(box)} of {where}, which {why}"

    def report(self, dataset: object) -> None:
        """One warning about all boxes that were dropped."""
        if self.dropped:
            logger.warning(
                "%s: %d bad boxes were dropped, the first: %s", dataset, self.dropped, self._first
            )


def clip_box(
    box: tuple[float, float, float, float], height: int, width: int
) -> tuple[float, float, float, float]:
    """An xyxy box, cut to the picture."""
    x1, y1, x2, y2 = box
    return (
        min(max(x1, 0.0), width),
        min(max(y1, 0.0), height),
        min(max(x2, 0.0), width),
        min(max(y2, 0.0), height),
    )


def box_targets(
    boxes: Sequence[Any],
    classes: Sequence[int],
    difficult: Sequence[bool],
    crowd: Sequence[bool],
    area: Sequence[float],
) -> dict[str, np.ndarray]:
    """The five box targets of a sample as arrays, also for no boxes at all."""
    return {
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
        "classes": np.array(classes, np.int64),
        "difficult": np.array(difficult, bool),
        "crowd": np.array(crowd, bool),
        "area": np.array(area, np.float32),
    }


def check_size(
    stated: tuple[int, int], actual: tuple[int, int], image: object, where: object
) -> None:
    """Raise DataError if a picture is not of the (height, width) its annotation states."""
    if stated != actual:
        turned = stated == actual[::-1]
        raise DataError(
            "A picture is not of the size that its annotation states",
            expected=f"{stated} (height, width)",
            received=f"{actual} in {image}",
            where=where,
            fix="annotated without its EXIF orientation? then read it with exif=False"
            if turned
            else "annotations and pictures do not belong together; correct one of them",
        )
