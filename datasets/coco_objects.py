"""Annotations of a COCO file as objects of pictures, with the class indices of a data set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.errors import DataError

from .boxes import BoxCheck, box_fault, clip_box
from .coco_ids import Id, read_id
from .coco_keypoints import read_points
from .coco_segmentation import broken_strings, fault
from .numbers import number

#: "box" (xyxy), "class", "crowd", "area", "id", and if wanted "segmentation" and "keypoints".
Object = dict[str, Any]


@dataclass(frozen=True)
class Points:
    """Which keypoints an annotation has.

    Attributes:
        count: how many there must be.
        by_id: annotation id -> keypoints, of another file; None: each has its own.
        path: the file that they are in, for errors.
    """

    count: int
    by_id: Mapping[Any, Any] | None
    path: object

    def read(self, one: Mapping[str, Any], size: tuple[int, int]) -> np.ndarray:
        """(count, 3) float32, see `read_points`."""
        where = f"{self.path}, annotation {one.get('id')}"
        if self.by_id is not None:
            one = {"keypoints": self.by_id.get(read_id(one["id"], where))}
        return read_points(one, self.count, size, where)


@dataclass(frozen=True)
class ObjectReader:
    """Makes objects of annotations.

    Attributes:
        path: the file, for errors.
        categories: category id -> name.
        classes: name -> class index; objects of others are left out.
        check: what becomes of boxes without area, and of outlines that enclose nothing.
        segmentations: whether they are wanted.
        points: keypoints, if they are wanted.
    """

    path: object
    categories: Mapping[Id, str]
    classes: Mapping[str, int]
    check: BoxCheck
    segmentations: bool = False
    points: Points | None = None

    def by_image(
        self,
        sizes: Mapping[Id, tuple[int, int] | DataError],
        annotations: Sequence[Mapping[str, Any]],
    ) -> tuple[dict[Id, list[Object]], dict[Id, DataError]]:
        """Usable objects of each picture, in the file's order; and what is wrong with others.

        Args:
            sizes: image id -> (height, width), or why that is not known.
            annotations: of the file.

        Returns:
            Image id -> objects, and image id -> the first error, for pictures with an annotation
            that is not usable.

        Raises:
            DataError: an annotation of no picture.
        """
        objects: dict[Id, list[Object]] = {key: [] for key in sizes}
        broken = {key: size for key, size in sizes.items() if isinstance(size, DataError)}
        for one in annotations:
            key = one.get("image_id")
            if type(key) is not int:
                key = read_id(key, self._where(one), "image_id")
            size = sizes.get(key)
            if size is None:
                raise DataError(
                    "An annotation belongs to no picture of the file",
                    received=repr(key),
                    where=self._where(one),
                )
            if isinstance(size, DataError):
                continue
            try:
                found = self._object(one, size)
            except DataError as error:
                broken.setdefault(key, error)
                continue
            if found is not None:
                objects[key].append(found)
        self._leave_out_strings(objects, sizes, broken)
        return objects, broken

    def _object(self, one: Mapping[str, Any], size: tuple[int, int]) -> Object | None:
        """An annotation as `paint` and the targets need it; None if it is left out."""
        where = self._where(one)
        category = one.get("category_id")
        if type(category) is not int:
            category = read_id(category, where, "category_id")
        name = self.categories.get(category)
        if name is None:
            raise self._unusable(f"category_id {category!r}", where)
        if name not in self.classes:
            return None
        try:
            given = one["bbox"]
            if not isinstance(given, list):
                raise ValueError(f"bbox {given!r:.60}")
            x, y, width, height = map(number, given)
            area = width * height if one.get("area") is None else number(one["area"])
            crowd = one.get("iscrowd")
            crowd = bool(crowd) if crowd in (None, False, True) else number(crowd)
        except (KeyError, ValueError) as error:
            raise self._unusable(f"{type(error).__name__}: {error}", where) from error
        box = (x, y, x + width, y + height)
        why = box_fault(box, size)
        if why:
            self.check.reject(why, given, where)
            return None
        if not 0 <= area < math.inf or crowd not in (0, 1):
            raise self._unusable(f"area {one.get('area')!r}, iscrowd {one.get('iscrowd')!r}", where)
        segmentation = one.get("segmentation") if self.segmentations else None
        if self.segmentations:
            why = fault(segmentation, size, strings=False)
            if why:
                self._reject_outline(why, segmentation, where)
                return None
        return {
            "box": clip_box(box, *size),
            "class": self.classes[name],
            "crowd": bool(crowd),
            "area": area,
            "segmentation": segmentation,
            "keypoints": None if self.points is None else self.points.read(one, size),
            "id": one.get("id"),
        }

    def _where(self, one: Mapping[str, Any]) -> str:
        return f"{self.path}, annotation {one.get('id')!s:.60}"

    def _unusable(self, received: str, where: str) -> DataError:
        return DataError(
            "An annotation is not usable",
            expected="category_id of this file, bbox [x, y, width, height], area a number from 0, "
            "iscrowd 0 or 1",
            received=received,
            where=where,
        )

    def _reject_outline(self, why: str, segmentation: Any, where: str) -> None:
        self.check.reject(why, [segmentation], where, "segmentation", "segmentations")

    def _leave_out_strings(
        self,
        objects: Mapping[Id, list[Object]],
        sizes: Mapping[Id, Any],
        broken: dict[Id, DataError],
    ) -> None:
        """Reject objects whose string of runs does not fill the picture, all asked at once."""
        if not self.segmentations:
            return
        owners, places, counts = [], [], []
        for key, own in objects.items():
            for place, one in enumerate(own):
                segmentation = one["segmentation"]
                if isinstance(segmentation, dict) and not isinstance(segmentation["counts"], list):
                    owners.append(key)
                    places.append(place)
                    counts.append(segmentation["counts"])
        wrong = broken_strings(counts, [sizes[key] for key in owners])
        for index, why in sorted(wrong.items(), reverse=True):
            one = objects[owners[index]].pop(places[index])
            try:
                self._reject_outline(why, one["segmentation"], self._where(one))
            except DataError as error:
                broken[owners[index]] = error
