"""Shapes of annotation tools, and the objects that they make up."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from densefit.data.geometry import rle
from densefit.datasets.files.bitmaps import Bitmap
from densefit.datasets.files.numbers import FAR
from densefit.datasets.objects.segmentation import fault
from densefit.errors import DataError

from .annotation import Box, ObjectAnnotation
from .polygon import polygon_area

#: x, y, visibility (1: hidden, 2: visible)
Keypoint = tuple[float, float, int]
_SAGITTA = 0.01  # pixels that a polygon may lie within the ellipse that it stands for


@dataclass(frozen=True)
class Shape:
    """One shape, as drawn: an object, or a part of one.

    Attributes:
        name: class name.
        box: around it, x1 y1 x2 y2 in continuous pixels.
        polygons: outlines, [x, y, x, y, ...] in continuous pixels.
        bitmap: mask, of shapes that have one.
        group: shapes of one class and one group are one object; None: it is one by itself.
        difficult, crowd: see `ObjectAnnotation`.
        keypoints: name -> position, in continuous pixels.
        where: its position in the file, for errors.
    """

    name: str
    box: Box
    polygons: tuple[list[float], ...] = ()
    bitmap: Bitmap | None = None
    group: Hashable = None
    difficult: bool = False
    crowd: bool = False
    keypoints: Mapping[str, Keypoint] = field(default_factory=dict)
    where: str = ""

    @property
    def area(self) -> float:
        """Pixels that the shape covers; 0 if it has neither outline nor mask."""
        pixels = 0 if self.bitmap is None else int(np.count_nonzero(self.bitmap.mask))
        return pixels + sum(map(polygon_area, self.polygons))


def join_shapes(
    shapes: Iterable[Shape],
    size: tuple[int, int],
    keypoints: Mapping[str, Sequence[str]] | Sequence[str] = (),
    segmentations: bool = True,
) -> list[ObjectAnnotation]:
    """Make objects of shapes, in the order of their first shapes.

    A segmentation is a list of polygons, or run lengths if a shape has a mask.

    Args:
        shapes: of one image.
        size: (height, width) of the image.
        keypoints: names of the keypoints that are wanted, in order, or those of each class.
        segmentations: whether they are wanted.
    """
    parts: dict[Hashable, list[Shape]] = {}
    for number, shape in enumerate(shapes):
        key = (number,) if shape.group is None else (shape.name, shape.group)
        parts.setdefault(key, []).append(shape)
    objects = []
    for group in parts.values():
        names = keypoints
        if isinstance(names, Mapping):
            names = names.get(group[0].name, ())
        objects.append(_joined(group, size, names, segmentations))
    return objects


def _joined(
    shapes: Sequence[Shape],
    size: tuple[int, int],
    keypoints: Sequence[str],
    segmentations: bool,
) -> ObjectAnnotation:
    box = shapes[0].box
    if len(shapes) > 1:
        columns = list(zip(*(shape.box for shape in shapes)))
        box = (min(columns[0]), min(columns[1]), max(columns[2]), max(columns[3]))
    points = {name: point for shape in shapes for name, point in shape.keypoints.items()}
    return ObjectAnnotation(
        shapes[0].name,
        box,
        difficult=any(shape.difficult for shape in shapes),
        crowd=any(shape.crowd for shape in shapes),
        area=sum(shape.area for shape in shapes) or None,
        segmentation=_segmentation(shapes, size) if segmentations else None,
        keypoints=keypoint_array(points, keypoints, size) if keypoints else None,
        where=shapes[0].where,
    )


def _segmentation(shapes: Sequence[Shape], size: tuple[int, int]) -> Any:
    polygons = [polygon for shape in shapes for polygon in shape.polygons]
    bitmaps = [shape.bitmap.within(size) for shape in shapes if shape.bitmap is not None]
    if not bitmaps:
        return polygons or None
    if len(bitmaps) == 1 and not polygons:
        return rle.encode_patch(bitmaps[0].mask, (bitmaps[0].top, bitmaps[0].left), size)
    if polygons and fault(polygons, size):
        return polygons  # the table says what is wrong with them
    whole = np.zeros(size, bool)
    if polygons:
        whole |= rle.decode(rle.encode_polygons(polygons, size)) > 0
    for bitmap in bitmaps:
        height, width = bitmap.mask.shape
        whole[bitmap.top : bitmap.top + height, bitmap.left : bitmap.left + width] |= bitmap.mask
    return rle.encode(whole)


def memory_error(where: object) -> DataError:
    """The error of shapes that are larger than the memory."""
    return DataError(
        "The masks of an image need more memory than there is",
        where=where,
        fix="does the file state the image's size rightly?",
    )


def keypoint_array(
    points: Mapping[str, Keypoint], names: Sequence[str], size: tuple[int, int]
) -> np.ndarray:
    """(K, 3) float32 x, y and visibility; 0 where unlabelled or outside of the image."""
    values = np.zeros((len(names), 3), np.float32)
    for index, name in enumerate(names):
        x, y, visibility = points.get(name, (0.0, 0.0, 0))
        if visibility and 0 <= x <= size[1] and 0 <= y <= size[0]:
            values[index] = x, y, visibility
    return values


def box_polygon(box: Box, degrees: float = 0.0) -> list[float]:
    """The corners of a box that is turned clockwise around its centre.

    >>> box_polygon((0, 0, 4, 2))
    [0.0, 0.0, 4.0, 0.0, 4.0, 2.0, 0.0, 2.0]
    """
    x1, y1, x2, y2 = box
    corners = [x1, y1, x2, y1, x2, y2, x1, y2]
    if degrees == 0:
        return [float(value) for value in corners]
    return _turned(corners, ((x1 + x2) / 2, (y1 + y2) / 2), degrees)


def ellipse_polygon(
    centre: tuple[float, float], radii: tuple[float, float], degrees: float = 0.0
) -> list[float]:
    """A polygon that an ellipse is nearly equal to, turned clockwise around its centre."""
    largest = min(max(*radii, _SAGITTA), FAR)
    count = math.ceil(math.pi / math.acos(1 - min(_SAGITTA / largest, 0.5)))
    count = min(max(count, 8), 4096)
    angles = np.arange(count) * (2 * math.pi / count)
    points = np.stack(
        [centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)], axis=1
    )
    corners: list[float] = points.ravel().tolist()
    return _turned(corners, centre, degrees) if degrees else corners


def _turned(corners: Sequence[float], centre: tuple[float, float], degrees: float) -> list[float]:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned: list[float] = []
    for x, y in zip(corners[::2], corners[1::2]):
        x, y = x - centre[0], y - centre[1]
        turned += [centre[0] + x * cosine - y * sine, centre[1] + x * sine + y * cosine]
    return turned
