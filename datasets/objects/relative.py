"""Coordinates in parts of an image's width and height."""

from __future__ import annotations

from collections.abc import Iterable

from densefit.errors import DataError

_MARGIN = 0.5  # objects may cross the edge; pixel coordinates are far beyond it


def check_relative(values: Iterable[float], where: object) -> None:
    """Raise DataError if a coordinate is not in parts of the image, as pixels are not.

    Values a little outside of 0..1 pass: their box is cut to the image.

    Args:
        values: coordinates, widths and heights.
        where: file and line, for the error.
    """
    for value in values:
        if value > 1 + _MARGIN or value < -_MARGIN:
            raise DataError(
                "A coordinate is not in parts of the image's width and height",
                expected="0 to 1",
                received=value,
                where=where,
                fix="divide pixels by the image's width (x) and height (y)",
            )
