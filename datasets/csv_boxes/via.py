"""Tables of the VGG Image Annotator (VIA 1 and 2), with regions in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from densefit.datasets.files.numbers import number
from densefit.datasets.objects.annotation import Box, ObjectAnnotation
from densefit.datasets.objects.polygon import extent, polygon_area
from densefit.errors import DataError
from densefit.registry import nearest

from .entry import Entry
from .table import Table

_SHAPE, _ATTRIBUTES = "region_shape_attributes", "region_attributes"
_IMAGES = ("filename", "#filename")


def is_via(table: Table) -> bool:
    """Whether a table was written by VIA."""
    header = table.header or []
    return {_SHAPE, _ATTRIBUTES} <= set(header) and any(name in header for name in _IMAGES)


def read_via(table: Table, attribute: str | None, only_class: str | None) -> Iterator[Entry]:
    """Read regions: rectangles, polygons, circles and ellipses; a region of {} is none.

    Args:
        table: the table.
        attribute: name of the region's attribute that is its class; None: the only one.
        only_class: class of regions without attributes.

    Raises:
        DataError: a row names no image.
    """
    header = list(table.header or ())
    image = header.index(next(name for name in _IMAGES if name in header))
    for line, cells in table.rows:
        where = f"{table.path}, line {line}"
        if image >= len(cells) or not cells[image]:
            raise DataError("A row of the table names no image", received=cells, where=where)
        try:
            if len(cells) != len(header):
                raise DataError(
                    "A row has more or fewer cells than the table has columns",
                    expected=len(header),
                    received=len(cells),
                    where=where,
                )
            shape = _json(cells[header.index(_SHAPE)], where)
            region = None
            if shape:
                attributes = _json(cells[header.index(_ATTRIBUTES)], where)
                name = _class_of(attributes, attribute, only_class, where)
                region = _region(shape, name, f"line {line}", where)
        except DataError as error:
            yield Entry(cells[image], error=error)
            continue
        yield Entry(cells[image], object=region)


def _json(text: str, where: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"A region is not valid JSON: {error}"[:200], received=f"{text!r:.120}", where=where
        ) from None
    if not isinstance(value, dict):
        raise DataError("A region is no JSON object", received=f"{text!r:.120}", where=where)
    return value


def _class_of(
    attributes: Mapping[str, Any], attribute: str | None, only_class: str | None, where: str
) -> str:
    """Class name of a region. A checkbox is a map of names; the only one that is true counts."""
    if attribute is None:
        if len(attributes) > 1 or (not attributes and only_class is None):
            raise DataError(
                "The class of a region is not clear",
                expected="one attribute, or the setting columns: {class: ATTRIBUTE}",
                received=f"{dict(attributes)!r:.120}",
                where=where,
            )
        if not attributes:
            return str(only_class)
        attribute = next(iter(attributes))
    value = attributes.get(attribute)
    if isinstance(value, dict):
        checked = [name for name, is_checked in value.items() if is_checked]
        value = checked[0] if len(checked) == 1 else None
    if not isinstance(value, (str, int)) or not str(value).strip():
        raise DataError(
            f"A region has no class in its attribute {attribute!r:.60}",
            received=f"{dict(attributes)!r:.120}",
            where=where,
            fix=nearest(attribute, list(attributes)) if attributes else None,
        )
    return str(value).strip()


def _region(shape: Mapping[str, Any], name: str, position: str, where: str) -> ObjectAnnotation:
    """The object of a region."""
    try:
        kind = shape["name"]
        if kind == "polygon":
            xs, ys = ([number(value) for value in shape[f"all_points_{axis}"]] for axis in "xy")
            if len(xs) != len(ys) or len(xs) < 3:
                raise ValueError(f"{len(xs)} x and {len(ys)} y")
            polygon = [value for point in zip(xs, ys) for value in point]
            outline = [polygon]
            area = polygon_area(polygon)
            return ObjectAnnotation(
                name, extent(polygon), area=area, segmentation=outline, where=position
            )
        box = _box(kind, {key: number(shape[key]) for key in shape if key != "name"})
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(
            f"The shape of a region is not usable: {type(error).__name__} {error}"[:120],
            expected="rect, polygon, circle or ellipse, as VIA writes them",
            received=f"{dict(shape)!r:.120}",
            where=where,
        ) from None
    return ObjectAnnotation(name, box, where=position)


def _box(kind: Any, values: Mapping[str, float]) -> Box:
    """Box of a rectangle, or around a circle or an upright ellipse."""
    if kind == "rect":
        x, y = values["x"], values["y"]
        return x, y, x + values["width"], y + values["height"]
    if kind not in ("circle", "ellipse") or values.get("theta"):
        raise ValueError(f"the shape {kind!r:.40}")
    rx, ry = (values["r"], values["r"]) if kind == "circle" else (values["rx"], values["ry"])
    return values["cx"] - rx, values["cy"] - ry, values["cx"] + rx, values["cy"] + ry
