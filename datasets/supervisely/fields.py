"""Fields of Supervisely's annotations: tags and positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.datasets.files.bitmaps import whole_number
from densefit.errors import DataError

Entry = Mapping[str, Any]
Ring = list[list[int]]


def tag_names(tags: Any, where: str) -> list[str]:
    """Names of tags, and their values if they are texts; old versions list names alone."""
    if not isinstance(tags, list):
        if tags is None:
            return []
        raise unusable('"tags": [{"name": ...}]', tags, where)
    texts: list[str] = []
    for tag in tags:
        values = (tag.get("name"), tag.get("value")) if isinstance(tag, dict) else (tag,)
        texts += [value for value in values if isinstance(value, str)]
    return texts


def ring(entry: Entry, side: str, where: str) -> Ring:
    """The corners of an outline, whole pixels."""
    points = entry.get("points")
    return positions(points.get(side) if isinstance(points, dict) else None, where)


def holes(entry: Entry, where: str) -> list[Ring]:
    """The corners of the holes of a polygon."""
    rings = entry["points"].get("interior") or []
    if not isinstance(rings, list):
        raise unusable('"interior": [[[x, y], ...], ...]', rings, where)
    return [positions(ring, where) for ring in rings]


def positions(points: Any, where: str) -> Ring:
    """Positions [[x, y], ...] in whole pixels; fractions are cut off."""
    if not isinstance(points, list) or not all(
        isinstance(point, list) and len(point) == 2 for point in points
    ):
        raise unusable("points [[x, y], ...]", points, where)
    return [[whole_number(value, "A point", where) for value in point] for point in points]


def unusable(expected: str, received: object, where: str) -> DataError:
    """The error of an object."""
    return DataError(
        "An object is not usable", expected=expected, received=f"{received!r:.120}", where=where
    )
