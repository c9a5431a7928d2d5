"""Objects of Supervisely's annotations.

Positions are indices of pixels: a rectangle has its last row and column, and the outline of a
polygon belongs to it. Polygons are filled by OpenCV, as Supervisely's SDK fills them, so that masks
are equal to its own, holes and all. Fractions are cut off, as the SDK does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np

from densefit.datasets.files.bitmaps import (
    Bitmap,
    decode_base64,
    png_mask,
    unzip_png,
)
from densefit.datasets.objects.polygon import extent
from densefit.datasets.objects.shapes import (
    Keypoint,
    Shape,
    box_polygon,
)

from .fields import Entry, Ring, holes, positions, ring, tag_names, unusable
from .meta import Meta

Size = tuple[int, int]
_HIDDEN, _VISIBLE = 1, 2


def kind_of(entry: Entry, meta: Meta) -> str:
    """The kind of an object's geometry; files of old versions leave it to the class."""
    kind = entry.get("geometryType") or meta.kinds.get(str(entry.get("classTitle")))
    if isinstance(kind, str) and kind not in ("", "any"):
        return kind
    return "bitmap" if entry.get("bitmap") else "polygon"


def read_shape(entry: Entry, name: str, meta: Meta, size: Size, where: str) -> Shape:
    """One object whose kind is in `SHAPES`.

    Args:
        entry: of the file.
        name: class name.
        meta: of the project.
        size: (height, width) of the image.
        where: for errors.

    Raises:
        DataError: it is not usable.
    """
    if kind_of(entry, meta) == "graph":
        shape = _graph(entry, name, meta.nodes.get(name), where)
    else:
        shape = SHAPES[kind_of(entry, meta)](entry, name, size, where)
    tags = {tag.lower() for tag in tag_names(entry.get("tags"), where)}
    group = entry.get("instance")
    return replace(
        shape,
        group=str(group) if group else None,
        difficult="difficult" in tags,
        crowd=not tags.isdisjoint(("is_crowd", "iscrowd")),
    )


def _rectangle(entry: Entry, name: str, size: Size, where: str) -> Shape:
    box = _corners(ring(entry, "exterior", where), where)
    return Shape(name, box, (box_polygon(box),))


def _oriented(entry: Entry, name: str, size: Size, where: str) -> Shape:
    angle = entry.get("angle", 0)
    if type(angle) not in (int, float) or not math.isfinite(angle):
        raise unusable('"angle" in radians', angle, where)
    box = _corners(positions(entry.get("points"), where), where)
    polygon = box_polygon(box, math.degrees(angle))
    return Shape(name, extent(polygon), (polygon,))


def _corners(points: Ring, where: str) -> tuple[float, float, float, float]:
    if len(points) != 2:
        raise unusable("two corners of a rectangle", points, where)
    (x1, y1), (x2, y2) = points
    return (
        *(float(min(x1, x2)), float(min(y1, y2))),
        *(float(max(x1, x2) + 1), float(max(y1, y2) + 1)),
    )


def _polygon(entry: Entry, name: str, size: Size, where: str) -> Shape:
    return _filled(name, [(ring(entry, "exterior", where), holes(entry, where))], size, where)


def _multipolygon(entry: Entry, name: str, size: Size, where: str) -> Shape:
    parts = entry.get("parts")
    if not isinstance(parts, list) or not parts:
        raise unusable('"parts": [{"exterior": [[x, y], ...]}]', parts, where)
    pieces = [{"points": part} for part in parts]
    rings = [(ring(piece, "exterior", where), holes(piece, where)) for piece in pieces]
    return _filled(name, rings, size, where)


def _filled(
    name: str,
    parts: Sequence[tuple[list[list[int]], list[list[list[int]]]]],
    size: Size,
    where: str,
) -> Shape:
    """The union of polygons with holes, drawn."""
    for exterior, inner in parts:
        if not exterior or not all(inner):
            raise unusable("a point of an outline", f"{exterior}, {inner}", where)
    x1, y1, x2, y2 = _around([point for exterior, _ in parts for point in exterior])
    box = (float(x1), float(y1), float(x2 + 1), float(y2 + 1))
    # With holes that reach further: a line is drawn otherwise where the canvas cuts it.
    rings = [corners for exterior, inner in parts for corners in (exterior, *inner)]
    x1, y1, x2, y2 = _around([point for corners in rings for point in corners])
    left, top = max(int(x1), 0), max(int(y1), 0)
    height, width = min(int(y2) + 1, size[0]) - top, min(int(x2) + 1, size[1]) - left
    if height <= 0 or width <= 0:
        return Shape(name, box, bitmap=Bitmap(np.zeros((0, 0), bool), 0, 0))
    mask = np.zeros((height, width), bool)
    for exterior, inner in parts:
        canvas = np.zeros((height, width), np.uint8)
        outlines = [
            (np.array(corners) - (left, top)).astype(np.int32) for corners in (exterior, *inner)
        ]
        cv2.fillPoly(canvas, outlines[:1], (1,))
        if inner:
            cv2.fillPoly(canvas, outlines[1:], (0,))
        mask |= canvas > 0
    return Shape(name, box, bitmap=Bitmap(mask, left, top))


def _around(points: Ring) -> tuple[float, float, float, float]:
    return extent([value for point in points for value in point])


def _bitmap(entry: Entry, name: str, size: Size, where: str) -> Shape:
    content = entry.get("bitmap")
    if not isinstance(content, dict):
        raise unusable('"bitmap": {"data": ..., "origin": [x, y]}', content, where)
    ((left, top),) = positions([content.get("origin")], where)
    data = unzip_png(decode_base64(content.get("data"), "A bitmap", where), size, where)
    bitmap = Bitmap(png_mask(data, size, where), left, top).tight()
    return Shape(name, bitmap.box, bitmap=bitmap)


def _graph(entry: Entry, name: str, labels: Mapping[str, str] | None, where: str) -> Shape:
    nodes = entry.get("nodes")
    if not isinstance(nodes, dict) or not nodes:
        raise unusable('"nodes": {id: {"loc": [x, y]}}', nodes, where)
    points: dict[str, Keypoint] = {}
    for key, node in nodes.items():
        if not isinstance(node, dict) or (labels is not None and key not in labels):
            raise unusable(f"nodes of the class {name!r}", {key: node}, where)
        ((x, y),) = positions([node.get("loc")], where)
        visibility = _HIDDEN if node.get("disabled") is True else _VISIBLE
        points[key if labels is None else labels[key]] = (x + 0.5, y + 0.5, visibility)
    x1, y1, x2, y2 = extent([value for x, y, _ in points.values() for value in (x, y)])
    return Shape(name, (x1 - 0.5, y1 - 0.5, x2 + 0.5, y2 + 0.5), keypoints=points)


#: Kind -> reader of what encloses something; graphs are read by `read_shape`.
SHAPES: dict[str, Callable[[Entry, str, Size, str], Shape]] = {
    "rectangle": _rectangle,
    "oriented_bbox": _oriented,
    "polygon": _polygon,
    "multipolygon": _multipolygon,
    "bitmap": _bitmap,
}
