"""Pictures of which the network's input shows a part."""

from __future__ import annotations

from typing import Any

from densefit.data.sample import Geometry, LostGeometry
from densefit.errors import DataError


class CutGeometry(Geometry):
    """Of a picture that a crop has cut: whoever brings scores back to the whole picture is refused.

    A head that predicts one thing for the picture (its class) reads no map, and is scored.

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
            "A picture is scored as a whole, and the network was shown a part of it",
            expected="the whole picture in the network's input",
            received=f"{100 * self.shown:.0f} % of it: what lies outside would count as missed",
            where=self.where,
            fix="score with resize or letterbox; pictures larger than the input with a ViewLoader "
            "of windows",
        )


def whole(geometry: Geometry, where: str) -> Geometry:
    """The geometry if the input shows its whole picture; else a `CutGeometry`.

    A pixel, of the picture or of the input, may be missing at each edge: sizes are rounded.

    Args:
        geometry: of a picture that is to be scored.
        where: which sample it is, and for which head.
    """
    if isinstance(geometry, LostGeometry):
        return geometry
    (sx, skew, tx), (slant, sy, ty) = geometry.matrix.tolist()
    if skew or slant:  # refused where it matters: see `Geometry.boxes_to_original`
        return geometry
    (height, width), (bottom, right) = geometry.size, geometry.input_size
    shown = _shown(sx, tx, width, right) * _shown(sy, ty, height, bottom)
    return geometry if shown == 1 else CutGeometry(geometry.size, geometry.input_size, where, shown)


def _shown(scale: float, shift: float, length: int, end: int) -> float:
    """The share of a side that lies in 0 to `end` of the input; 1 to within a pixel."""
    low, high = sorted((shift, shift + scale * length))
    spare = max(1.0, abs(scale)) + 1e-6
    if low >= -spare and high <= end + spare:
        return 1.0
    return max(0.0, min(high, end) - max(low, 0.0)) / (high - low)
