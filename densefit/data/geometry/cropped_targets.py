"""Pictures of which the network's input shows a part."""

from __future__ import annotations

from typing import Any

from densefit.data.sample import Geometry, LostGeometry
from densefit.data.visible_area import is_whole, visible_share
from densefit.errors import DataError


class CutGeometry(Geometry):
    """Of a picture that was cut: whoever brings predictions back to the whole picture is refused.

    A head that predicts one thing for the picture (its class) reads no map, and is not.

    Args:
        size: (height, width) of the original image.
        input_size: (height, width) of the network's input.
        where: which sample it is, and for which head.
        shown: the share of the picture that is in the input, 0 to 1.
    """

    def __init__(
        self, size: tuple[int, int], input_size: tuple[int, int], where: str, shown: float
    ) -> None:
        # `matrix`, the remaining field of a Geometry, is never set.
        own = {"size": size, "input_size": input_size, "where": where, "shown": shown}
        for name, value in own.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """`matrix`: a DataError."""
        if name != "matrix":
            raise AttributeError(name)
        raise DataError(
            "A picture is scored or predicted as a whole, and the network was shown a part of it",
            expected="the whole picture in the network's input",
            received=f"{min(99, round(100 * self.shown))} % of it: what lies outside would count "
            "as missed, or be made up",
            where=self.where,
            fix="use resize or letterbox; for pictures larger than the input a ViewLoader of "
            "windows",
        )


def whole(geometry: Geometry, where: str) -> Geometry:
    """The geometry if the network was shown its whole picture; else a `CutGeometry`.

    Args:
        geometry: of a picture that is to be scored, or predicted as a whole.
        where: which sample it is, and for which head.
    """
    if isinstance(geometry, (LostGeometry, CutGeometry)):
        return geometry
    size, last = geometry.size, (geometry.matrix, geometry.input_size)
    if not geometry.cuts and is_whole(size, *last):
        return geometry
    shown = visible_share(size, (*geometry.cuts, last))
    return CutGeometry(size, geometry.input_size, where, shown)
