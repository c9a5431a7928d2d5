"""Images of which the network's input shows only a part."""

from __future__ import annotations

from typing import Any

from densefit.data.sample import Geometry, LostGeometry
from densefit.data.visible_area import is_whole, visible_share
from densefit.errors import DataError


class CutGeometry(Geometry):
    """Geometry of a cropped image; mapping predictions back to the whole image raises DataError.

    Heads that predict one value for the image (its class) do not use the map, and work.

    Args:
        size: (height, width) of the original image.
        input_size: (height, width) of the network's input.
        where: sample and head, for errors.
        visible: fraction of the image that is in the input, 0 to 1.
    """

    def __init__(
        self, size: tuple[int, int], input_size: tuple[int, int], where: str, visible: float
    ) -> None:
        # `matrix`, the remaining field of a Geometry, is never set.
        attributes = {"size": size, "input_size": input_size, "where": where, "visible": visible}
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """Raise DataError for `matrix`."""
        if name != "matrix":
            raise AttributeError(name)
        raise DataError(
            "An image is scored or predicted as a whole, and the network was shown a part of it",
            expected="the whole image in the network's input",
            received=f"{min(99, round(100 * self.visible))} % of it: what lies outside would count "
            "as missed, or be made up",
            where=self.where,
            fix="use resize or letterbox; for images larger than the input a ViewLoader of windows",
        )


def whole(geometry: Geometry, where: str) -> Geometry:
    """Return the geometry if the input shows the whole image; else a `CutGeometry`.

    Args:
        geometry: geometry of an image that is evaluated or predicted as a whole.
        where: sample and head, for errors.
    """
    if isinstance(geometry, (LostGeometry, CutGeometry)):
        return geometry
    size, last = geometry.size, (geometry.matrix, geometry.input_size)
    if not geometry.cuts and is_whole(size, *last):
        return geometry
    visible = visible_share(size, (*geometry.cuts, last))
    return CutGeometry(size, geometry.input_size, where, visible)
