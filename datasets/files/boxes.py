"""Boxes of annotation files: which are usable, and what is said about the others."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.checks.boxes import loses_most
from densefit.errors import ConfigError, DataError
from densefit.once import warn_once

from .numbers import FAR

logger = logging.getLogger(__name__)

#: Width in pixels from which a box surely has area in float32, which has steps of 0.06 at FAR.
SMALLEST = 0.1
_BEYOND = 0.05  # of a picture's side: rounding and boxes drawn over its edge stay below
_PIXELS = 1000.0  # side of a picture whose coordinates are parts of it


class BoxCheck:
    """Counts (or refuses) objects that cannot be used: boxes or outlines that enclose nothing.

    Boxes that lose most of their area where they are cut to the picture are counted, and stay.

    Args:
        policy: "drop" leaves them out, "raise" makes each an error.

    Attributes:
        dropped: how many were left out.
        cut: how many lost more than half of their area.
        outside: how many reached far out of their picture, by over 5 % of its side.
        reasons: why -> how many were left out.
    """

    def __init__(self, policy: str) -> None:
        if policy not in ("drop", "raise"):
            raise ConfigError(
                "Unknown way to treat bad boxes",
                expected="'drop' or 'raise'",
                received=repr(policy),
            )
        self.policy = policy
        self.dropped = self.cut = self.outside = 0
        self.reasons: Counter[str] = Counter()
        self._counts: dict[str, int] = {}
        self._first: object = None
        self._first_cut = ""

    def reject(
        self, why: str, box: Sequence[Any], where: object, what: str = "box", plural: str = "boxes"
    ) -> None:
        """Note a bad box, or another part that makes an object unusable.

        Args:
            why: it is bad, as the end of a sentence.
            box: as the file has it.
            where: it is.
            what: it is, if not a box.
            plural: of that.

        Raises:
            DataError: the policy is "raise".
        """
        received = f"{list(box)!r:.200}"
        if self.policy == "raise":
            raise DataError(
                f"A {what} {why}",
                received=received,
                where=where,
                fix='correct it, or leave such objects out with bad_boxes="drop"',
            )
        self.dropped += 1
        self.reasons[f"A {what} {why}"] += 1
        self._counts[plural] = self._counts.get(plural, 0) + 1
        self._first = self._first or f"{received} of {where}, which {why}"

    def note_cut(
        self,
        box: tuple[float, float, float, float],
        cut: tuple[float, float, float, float],
        size: tuple[int, int],
        where: object,
    ) -> None:
        """Count a box if it reaches far out of its picture, and if most of it lies there.

        Args:
            box: xyxy, usable.
            cut: what is left of it.
            size: (height, width) of the picture; (1, 1) if the box is in parts of it.
            where: it is.
        """
        if box == cut:
            return
        height, width = size
        x, y = max(cut[0] - box[0], box[2] - cut[2]), max(cut[1] - box[1], box[3] - cut[3])
        self.outside += x > _BEYOND * width or y > _BEYOND * height
        is_relative = size == (1, 1)
        scale = _PIXELS if is_relative else 1.0
        if loses_most([value * scale for value in box], [value * scale for value in cut]):
            self.cut += 1
            picture = f"a picture {width} pixels wide and {height} high"
            self._first_cut = self._first_cut or (
                f"{list(box)} of {where}, {'in parts of the picture' if is_relative else picture}"
            )

    def state_dict(self) -> dict[str, Any]:
        """All counts, as JSON can hold them."""
        return {
            "dropped": self.dropped,
            "cut": self.cut,
            "outside": self.outside,
            "reasons": self.reasons,
            "counts": self._counts,
            "first": None if self._first is None else str(self._first),
            "first_cut": self._first_cut,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over the counts of another check."""
        self.dropped, self.cut = state["dropped"], state["cut"]
        self.outside = state.get("outside", 0)
        self.reasons = Counter(state.get("reasons", {}))
        self._counts, self._first = dict(state["counts"]), state["first"]
        self._first_cut = state["first_cut"]

    def report(self, dataset: object) -> None:
        """One warning about all objects that were dropped, and one about those that were cut."""
        if self.cut:
            warn_once(
                logger,
                "%s: %d boxes lose more than half of their area where they are cut to the picture; "
                "are they of a picture of another size? The first: %s",
                *(dataset, self.cut, self._first_cut),
            )
        if self.dropped:
            counts = " and ".join(f"{count} bad {what}" for what, count in self._counts.items())
            text = "%s: %s were dropped, the first: %s"
            warn_once(logger, text, dataset, counts, self._first)


def box_fault(box: tuple[float, float, float, float], size: tuple[int, int] | None = None) -> str:
    """What is wrong with an xyxy box, as the end of a sentence; "" if nothing.

    >>> box_fault((3, 3, 2, 9)), box_fault((3, 3, 5, 9), (20, 30))
    ('has its corners in the wrong order', '')

    Args:
        box: continuous coordinates.
        size: (height, width) of the picture; None if it is not known.
    """
    x1, y1, x2, y2 = box
    if size is not None and 0 <= x1 < x2 - SMALLEST and 0 <= y1 < y2 - SMALLEST:
        if x2 <= size[1] and y2 <= size[0]:
            return ""  # as nearly all are
    if not (math.isfinite(x1 + y1) and math.isfinite(x2 + y2)):
        return "has a coordinate that is no finite number"
    if x2 < x1 or y2 < y1:
        return "has its corners in the wrong order"
    if x2 == x1 or y2 == y1:
        return "has no area"
    if max(-x1, -y1, x2, y2) > FAR:
        return f"has a coordinate further out than {FAR:.0f} pixels"
    if size is not None:
        x1, y1, x2, y2 = clip_box(box, *size)
        if x2 <= x1 or y2 <= y1:
            return "lies outside of its picture"
    if min(x2 - x1, y2 - y1) < SMALLEST:  # targets are float32
        x1, y1, x2, y2 = np.array([x1, y1, x2, y2], np.float32).tolist()
        if x2 <= x1 or y2 <= y1:
            return "has no area"
    return ""


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
