"""Shapes of labelme's files."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from densefit.datasets.files.bitmaps import Bitmap, decode_base64, png_mask, whole_number
from densefit.datasets.files.numbers import number
from densefit.datasets.objects.left_out import LeftOut
from densefit.datasets.objects.polygon import extent
from densefit.datasets.objects.shapes import (
    Keypoint,
    Shape,
    box_polygon,
    ellipse_polygon,
)
from densefit.errors import DataError

from .label_file import LabelFile

#: Label of regions that are of no class and not background either: void in masks.
VOID = "__ignore__"
#: Labels that labelme's own converters do not count as classes.
NO_CLASSES = (VOID, "_background_")
_POLYGONS = ("polygon", "oriented_rectangle", "rotation", "quadrilateral")
_VISIBLE = 2

Corners = list[tuple[float, float]]


def read_shapes(
    file: LabelFile, size: tuple[int, int], keypoints: Collection[str], left_out: LeftOut
) -> list[Shape]:
    """The shapes of a file that are objects, or parts of one, and those of no class (`VOID`).

    Args:
        file: with the shapes.
        size: (height, width) of the image.
        keypoints: labels of points that are joined to the object of their group.
        left_out: counts the shapes that are none.

    Raises:
        DataError: a shape is not usable.
    """
    shapes: list[Shape] = []
    points: dict[int, dict[str, Keypoint]] = {}
    for index, entry in enumerate(file.shapes):
        where = f"shape {index}"
        name, kind, group, corners = _fields(entry, f"{file.path}, {where}")
        if name in NO_CLASSES:
            left_out.add(name, f"{file.path}, {where}")
            if name == VOID:
                region = _shape(entry, (name, kind, corners), size, f"{file.path}, {where}")
                shapes += [] if region is None else [region]
        elif kind == "point" and group is not None and name in keypoints:
            joined = points.setdefault(group, {})
            if name in joined:
                raise _unusable(
                    "a label of each point of a group", f"{name!r} twice", f"{file.path}, {where}"
                )
            joined[name] = (*corners[0], _VISIBLE)
        else:
            shape = _shape(entry, (name, kind, corners), size, f"{file.path}, {where}")
            if shape is None:
                left_out.add(kind, f"{file.path}, {where}")
            else:
                shapes.append(replace(shape, group=group, where=where))
    for group, joined in points.items():
        _join_keypoints(shapes, group, joined, file, left_out)
    return shapes


def _join_keypoints(
    shapes: list[Shape],
    group: int,
    points: Mapping[str, Keypoint],
    file: LabelFile,
    left_out: LeftOut,
) -> None:
    members = [index for index, shape in enumerate(shapes) if shape.group == group]
    names = {shapes[index].name for index in members}
    if len(names) > 1:
        raise DataError(
            "Points belong to no single object",
            expected="one object with their group_id",
            received=f"group_id {group} of {', '.join(sorted(names))}",
            where=file.path,
        )
    if members:
        shapes[members[0]] = replace(shapes[members[0]], keypoints=points)
    else:
        for _ in points:
            left_out.add("point", f"{file.path}, group_id {group}")


def _fields(entry: Any, where: str) -> tuple[str, str, int | None, Corners]:
    """Label, shape_type, group_id and points of a shape."""
    if not isinstance(entry, dict):
        raise _unusable('{"label": ..., "points": ...}', entry, where)
    name, kind = entry.get("label"), entry.get("shape_type")
    group, points = entry.get("group_id"), entry.get("points")
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str) or not name.strip():
        raise _unusable("a label", name, where)
    if group is not None and type(group) is not int:
        raise _unusable("a group_id that is a whole number or null", group, where)
    if kind is not None and not isinstance(kind, str):
        raise _unusable("a shape_type", kind, where)
    try:
        corners = [(number(x), number(y)) for x, y in points or ()]
    except (TypeError, ValueError):
        corners = []
    if not corners or not all(math.isfinite(x) and math.isfinite(y) for x, y in corners):
        raise _unusable("points [[x, y], ...]", points, where)
    return name.strip(), kind or "polygon", group, corners


def _shape(
    entry: Mapping[str, Any],
    fields: tuple[str, str, Corners],
    size: tuple[int, int],
    where: str,
) -> Shape | None:
    """A shape with an area; None for others."""
    name, kind, corners = fields
    flags = entry.get("flags")
    flags = flags if isinstance(flags, dict) else {}
    difficult = flags.get("difficult") is True or entry.get("difficult") is True
    flat = [value for corner in corners for value in corner]
    if kind == "mask":
        bitmap = _bitmap(entry, corners, size, where)
        return Shape(name, bitmap.box, bitmap=bitmap, difficult=difficult)
    if kind in _POLYGONS and len(corners) >= 3:
        polygon = flat
    elif kind == "rectangle" and len(corners) >= 2:
        polygon = box_polygon(extent(flat))
        return Shape(name, extent(flat), (polygon,), difficult=difficult)
    elif kind == "circle":
        if len(corners) != 2:
            raise _unusable("two points of a circle: its centre and one on it", corners, where)
        radius = math.dist(*corners)
        polygon = ellipse_polygon(corners[0], (radius, radius))
        x, y = corners[0]
        box = (x - radius, y - radius, x + radius, y + radius)
        return Shape(name, box, (polygon,), difficult=difficult)
    else:
        return None
    return Shape(name, extent(polygon), (polygon,), difficult=difficult)


def _bitmap(
    entry: Mapping[str, Any], corners: Sequence[Any], size: tuple[int, int], where: str
) -> Bitmap:
    """The mask of a shape of the kind "mask", whose corners are its first and last pixel."""
    data = decode_base64(entry.get("mask"), "A mask", where)
    mask = png_mask(data, size, where)
    pixels = [[whole_number(value, "A corner of a mask", where) for value in c] for c in corners]
    if len(pixels) != 2 or mask.shape != (
        pixels[1][1] - pixels[0][1] + 1,
        pixels[1][0] - pixels[0][0] + 1,
    ):
        raise _unusable(f"the corners of a mask of {mask.shape} (height, width)", corners, where)
    return Bitmap(mask, *pixels[0]).tight()


def _unusable(expected: str, received: object, where: str) -> DataError:
    return DataError(
        "A shape is not usable", expected=expected, received=f"{received!r:.100}", where=where
    )
