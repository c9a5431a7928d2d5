"""Read one annotation of a COCO file: its box, class, area, flags and keypoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.datasets.files.boxes import BoxCheck, box_fault, clip_box
from densefit.datasets.files.numbers import FAR, number
from densefit.errors import DataError

from .ids import Id, read_id
from .keypoints import read_points

#: "box" (xyxy), "class", "crowd", "area", "id", and if wanted "segmentation" and "keypoints".
Object = dict[str, Any]


@dataclass(frozen=True)
class Points:
    """Keypoints of annotations.

    Attributes:
        count: how many there must be.
        by_id: annotation id -> keypoints, of another file; None: each has its own.
        path: the file that they are in, for errors.
    """

    count: int
    by_id: Mapping[Any, Any] | None
    path: object

    def read(self, annotation: Mapping[str, Any], size: tuple[int, int]) -> np.ndarray:
        """(count, 3) float32, see `read_points`."""
        where = f"{self.path}, annotation {annotation.get('id')}"
        if self.by_id is not None:
            annotation = {"keypoints": self.by_id.get(read_id(annotation["id"], where))}
        return read_points(annotation, self.count, size, where)


@dataclass(frozen=True)
class ObjectReader:
    """Makes objects of annotations.

    Attributes:
        path: the file, for errors.
        categories: category id -> name.
        classes: name -> class index; objects of others are left out.
        check: what becomes of boxes without area, and of outlines that enclose nothing.
        segmentations: whether they are read.
        points: keypoints, if they are read.
    """

    path: object
    categories: Mapping[Id, str]
    classes: Mapping[str, int]
    check: BoxCheck
    segmentations: bool = False
    points: Points | None = None

    def image_of(self, annotation: Mapping[str, Any], rows: Mapping[Id, int]) -> int:
        """Index of the annotated image.

        Args:
            annotation: of the file.
            rows: image id -> index.

        Raises:
            DataError: the annotation belongs to no image of the file.
        """
        key = annotation.get("image_id")
        if type(key) is not int:
            key = read_id(key, self.where(annotation), "image_id")
        if key not in rows:
            raise DataError(
                "An annotation belongs to no picture of the file",
                received=repr(key),
                where=self.where(annotation),
            )
        return rows[key]

    def read(self, annotation: Mapping[str, Any], size: tuple[int, int]) -> Object | None:
        """An annotation as `paint` and the targets need it; None if it is left out.

        Args:
            annotation: of the file.
            size: (height, width) of its image.

        Raises:
            DataError: it cannot be used, and its image cannot either.
        """
        category = annotation.get("category_id")
        if type(category) is not int:
            category = read_id(category, self.where(annotation), "category_id")
        name = self.categories.get(category)
        if name is None:
            raise self._unusable(f"category_id {category!r}", annotation)
        if name not in self.classes:
            return None
        try:
            corners = annotation["bbox"]
            if not isinstance(corners, list):
                raise ValueError(f"bbox {corners!r:.60}")
            is_plain = set(map(type, corners)) == {float}  # as nearly all are
            x, y, width, height = corners if is_plain else map(number, corners)
            area, crowd = annotation.get("area"), annotation.get("iscrowd")
            if type(area) is not float:
                area = width * height if area is None else number(area)
            crowd = bool(crowd) if crowd in (None, False, True) else number(crowd)
        except (KeyError, ValueError) as error:
            raise self._unusable(f"{type(error).__name__}: {error}", annotation) from error
        box = (x, y, x + width, y + height)
        reason = box_fault(box, size)
        if reason:
            self.check.reject(reason, corners, self.where(annotation))
            return None
        if not 0 <= area <= FAR * FAR or crowd not in (0, 1):
            values = [annotation.get(name) for name in ("area", "iscrowd")]
            raise self._unusable("area {!r:.60}, iscrowd {!r:.60}".format(*values), annotation)
        clipped = clip_box(box, *size)
        if clipped != box:
            self.check.note_cut(box, clipped, size, self.where(annotation))
        return {
            "box": clipped,
            "class": self.classes[name],
            "crowd": bool(crowd),
            "area": area,
            "segmentation": annotation.get("segmentation") if self.segmentations else None,
            "keypoints": None if self.points is None else self.points.read(annotation, size),
            "id": annotation.get("id"),
        }

    def where(self, annotation: Mapping[str, Any]) -> str:
        """The annotation's file and id, for errors."""
        return f"{self.path}, annotation {annotation.get('id')!s:.60}"

    def _unusable(self, received: str, annotation: Mapping[str, Any]) -> DataError:
        return DataError(
            "An annotation is not usable",
            expected="category_id of this file, bbox [x, y, width, height], area in pixels, "
            "iscrowd 0 or 1",
            received=received,
            where=self.where(annotation),
        )
