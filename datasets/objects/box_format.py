"""Order and unit of a box's four numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from densefit.datasets.files.numbers import number
from densefit.errors import ConfigError, DataError

from .annotation import Box
from .relative import check_relative

FORMATS = ("xyxy", "xywh", "cxcywh")


@dataclass(frozen=True)
class BoxFormat:
    """How files write boxes.

    Attributes:
        order: xyxy (left, top, right, bottom), xywh (left, top, width, height) or cxcywh (centre).
        is_relative: numbers are parts of the image's width and height, not pixels.
        one_based: pixels are counted from 1, and right and bottom are the last pixel of the object,
            as in PASCAL VOC.

    Raises:
        ConfigError: the order is unknown, or settings contradict each other.
    """

    order: str = "xyxy"
    is_relative: bool = False
    one_based: bool = False

    def __post_init__(self) -> None:
        if self.order not in FORMATS:
            raise ConfigError(
                "Unknown order of a box's numbers",
                expected=f"box_format: {' or '.join(FORMATS)}",
                received=repr(self.order),
            )
        if self.one_based and (self.is_relative or self.order == "cxcywh"):
            raise ConfigError(
                "Only corners in pixels can count from 1",
                expected="box_format xyxy or xywh, and relative=False, with one_based=True",
                received=f"box_format={self.order}, relative={self.is_relative}",
            )

    def box(self, values: Sequence[float], where: object) -> Box:
        """x1, y1, x2, y2 in continuous coordinates.

        Raises:
            DataError: relative coordinates are far outside of 0..1.
        """
        if self.is_relative:
            check_relative(values, where)
        x, y, c, d = values
        first = 1.0 if self.one_based else 0.0
        if self.order == "xyxy":
            if (x, y) == (c, d):
                return (x, y, c, d)  # a stray click; one pixel in VOC, which `VOC` drops, too
            return (x - first, y - first, c, d)
        if self.order == "xywh":
            return (x - first, y - first, x - first + c, y - first + d)
        return (x - c / 2, y - d / 2, x + c / 2, y + d / 2)

    def polygon(self, values: Sequence[float], where: object) -> list[float]:
        """[x, y, x, y, ...] in continuous coordinates; raises as `box` does."""
        if self.is_relative:
            check_relative(values, where)
        first = 1.0 if self.one_based else 0.0
        return [value - first for value in values]


def numbers(texts: Sequence[str], where: object) -> list[float]:
    """Numbers of texts; they may be nan or infinite. Raises DataError if one is none."""
    values = []
    for text in texts:
        try:
            values.append(number(text))
        except ValueError:
            raise DataError(
                f"A coordinate is no number: {text!r:.40}",
                received=f"{' '.join(texts)!r:.120}",
                where=where,
            ) from None
    return values
