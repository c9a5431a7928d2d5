"""Shapes of CVAT's files."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path

import cv2
import numpy as np

from densefit.datasets.files.bitmaps import Bitmap
from densefit.datasets.files.numbers import FAR, number
from densefit.datasets.objects.polygon import extent
from densefit.datasets.objects.shapes import (
    Keypoint,
    Shape,
    box_polygon,
    ellipse_polygon,
)
from densefit.errors import DataError

Element = ElementTree.Element
#: Elements that enclose nothing.
NO_AREA = ("points", "polyline")
_CORNERS = [f"{end}{number}" for number in (1, 2) for end in ("tl", "bl", "tr", "br")]
_HIDDEN, _VISIBLE = 1, 2
_commas = methodcaller("count", ",")


def read_shape(
    element: Element, label: str, size: tuple[int, int], path: Path, where: str
) -> Shape | None:
    """One shape; None if nothing of it is in the image.

    Args:
        element: whose tag is in `SHAPES`.
        label: class name.
        size: (height, width) of the image.
        path: of the file, for errors.
        where: its position in the file.

    Raises:
        DataError: an attribute is missing or not usable.
    """
    shape = SHAPES[element.tag](element, label, size, f"{path}, {where}")
    if shape is None:
        return None
    group = element.get("group_id", "0")
    flags = {
        (child.get("name") or "").lower()
        for child in element.findall("attribute")
        if (child.text or "").strip().lower() in ("true", "1", "yes")
    }
    return Shape(
        shape.name,
        shape.box,
        shape.polygons,
        shape.bitmap,
        None if group == "0" else group,
        "difficult" in flags,
        not flags.isdisjoint(("is_crowd", "iscrowd")),
        shape.keypoints,
        where,
    )


def value(element: Element, name: str, where: str, default: str | None = None) -> float:
    """A finite number of an attribute. Raises DataError if it is missing or none."""
    text = element.get(name, default)
    try:
        result = number(text)
    except ValueError:
        result = math.nan
    if not math.isfinite(result):
        raise _unusable(element, f"a number in the attribute {name!r}", text, where)
    return result


def is_set(element: Element, name: str) -> bool:
    """Whether an attribute is 1."""
    return element.get(name, "0").strip().lower() in ("1", "true")


def _box(element: Element, label: str, size: tuple[int, int], where: str) -> Shape:
    x1, y1, x2, y2 = (value(element, name, where) for name in ("xtl", "ytl", "xbr", "ybr"))
    rotation = value(element, "rotation", where, "0")
    polygon = box_polygon((x1, y1, x2, y2), rotation)
    is_turned = rotation % 360 != 0 and x1 < x2 and y1 < y2
    return Shape(label, extent(polygon) if is_turned else (x1, y1, x2, y2), (polygon,))


def _polygon(element: Element, label: str, size: tuple[int, int], where: str) -> Shape:
    polygon = _points(element, where)
    return Shape(label, extent(polygon), (polygon,))


def _ellipse(element: Element, label: str, size: tuple[int, int], where: str) -> Shape:
    x, y, rx, ry = (value(element, name, where) for name in ("cx", "cy", "rx", "ry"))
    rotation = value(element, "rotation", where, "0")
    if not (0 < rx <= FAR and 0 < ry <= FAR):
        raise _unusable(element, "radii above 0", (rx, ry), where)
    angle = math.radians(rotation)
    half_width = math.hypot(rx * math.cos(angle), ry * math.sin(angle))
    half_height = math.hypot(rx * math.sin(angle), ry * math.cos(angle))
    box = (x - half_width, y - half_height, x + half_width, y + half_height)
    return Shape(label, box, (ellipse_polygon((x, y), (rx, ry), rotation),))


def _cuboid(element: Element, label: str, size: tuple[int, int], where: str) -> Shape:
    corners = [[value(element, f"{axis}{corner}", where) for axis in "xy"] for corner in _CORNERS]
    if np.abs(corners).max() > FAR:
        raise _unusable(element, "corners near the image", corners, where)
    hull = cv2.convexHull(np.array(corners, np.float32))
    return Shape(label, extent(sum(corners, [])), (hull.astype(float).ravel().tolist(),))


def _mask(element: Element, label: str, size: tuple[int, int], where: str) -> Shape:
    left, top, width, height = (
        int(value(element, name, where)) for name in ("left", "top", "width", "height")
    )
    if not (0 < width <= size[1] and 0 < height <= size[0]) or max(abs(left), abs(top)) > FAR:
        raise _unusable(
            element, f"a mask within its image of {size}", (left, top, width, height), where
        )
    text = element.get("rle", "")
    try:
        runs = [int(run) for run in text.split(",")] if len(text) < 64 << 20 else [-1]
    except ValueError:
        runs = [-1]
    if min(runs) < 0 or sum(runs) != width * height:
        raise _unusable(
            element, f"run lengths (rle) of {width} x {height} pixels", f"{text:.80}", where
        )
    rows = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
    bitmap = Bitmap(rows, left, top).tight()
    return Shape(label, bitmap.box, bitmap=bitmap)


def _skeleton(element: Element, label: str, size: tuple[int, int], where: str) -> Shape | None:
    points: dict[str, Keypoint] = {}
    for child in element.findall("points"):
        name = (child.get("label") or "").strip()
        corners = _points(child, where)
        if not name or name in points or len(corners) != 2:
            raise _unusable(element, "a point of each label", ElementTree.tostring(child), where)
        if not is_set(child, "outside"):
            visibility = _HIDDEN if is_set(child, "occluded") else _VISIBLE
            points[name] = (corners[0], corners[1], visibility)
    if not points:
        return None
    flat = [coordinate for x, y, _ in points.values() for coordinate in (x, y)]
    return Shape(label, extent(flat), keypoints=points)


#: Tag -> reader of what encloses something.
SHAPES: dict[str, Callable[[Element, str, tuple[int, int], str], Shape | None]] = {
    "box": _box,
    "polygon": _polygon,
    "ellipse": _ellipse,
    "cuboid": _cuboid,
    "mask": _mask,
    "skeleton": _skeleton,
}


def _points(element: Element, where: str) -> list[float]:
    """x, y, x, y... of "x,y;x,y"."""
    text = element.get("points", "")
    flat: list[float] = []
    if set(map(_commas, text.split(";"))) == {1} and "_" not in text:  # as `number` has it
        try:
            flat = list(map(float, text.replace(";", ",").split(",")))
        except ValueError:
            pass
    if not flat or not all(map(math.isfinite, flat)):
        raise _unusable(element, 'points "x,y;x,y"', f"{text:.80}", where)
    return flat


def _unusable(element: Element, expected: str, received: object, where: str) -> DataError:
    return DataError(
        f"An element <{element.tag}> is not usable",
        expected=expected,
        received=f"{received!r:.120}",
        where=where,
    )
