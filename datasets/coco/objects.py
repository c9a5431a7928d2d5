"""Annotations of a COCO file as objects of pictures, with the class indices of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.datasets.files.boxes import BoxCheck, box_fault, clip_box
from densefit.datasets.files.numbers import FAR, number
from densefit.datasets.objects.segmentation import faults
from densefit.errors import DataError

from .ids import Id, read_id
from .keypoints import read_points

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
        if self.segmentations:
            self._leave_out_outlines(objects, sizes, broken)
        return objects, broken

    def _object(self, one: Mapping[str, Any], size: tuple[int, int]) -> Object | None:
        """An annotation as `paint` and the targets need it; None if it is left out."""
        category = one.get("category_id")
        if type(category) is not int:
            category = read_id(category, self._where(one), "category_id")
        name = self.categories.get(category)
        if name is None:
            raise self._unusable(f"category_id {category!r}", one)
        if name not in self.classes:
            return None
        try:
            given = one["bbox"]
            if not isinstance(given, list):
                raise ValueError(f"bbox {given!r:.60}")
            floats = set(map(type, given)) == {float}  # as nearly all are
            x, y, width, height = given if floats else map(number, given)
            area = one.get("area")
            if type(area) is not float:
                area = width * height if area is None else number(area)
            crowd = one.get("iscrowd")
            crowd = bool(crowd) if crowd in (None, False, True) else number(crowd)
        except (KeyError, ValueError) as error:
            raise self._unusable(f"{type(error).__name__}: {error}", one) from error
        box = (x, y, x + width, y + height)
        why = box_fault(box, size)
        if why:
            self.check.reject(why, given, self._where(one))
            return None
        if not 0 <= area <= FAR * FAR or crowd not in (0, 1):
            given = f"area {one.get('area')!r:.60}, iscrowd {one.get('iscrowd')!r:.60}"
            raise self._unusable(given, one)
        clipped = clip_box(box, *size)
        if clipped != box:
            self.check.note_cut(box, clipped, size, self._where(one))
        return {
            "box": clipped,
            "class": self.classes[name],
            "crowd": bool(crowd),
            "area": area,
            "segmentation": one.get("segmentation") if self.segmentations else None,
            "keypoints": None if self.points is None else self.points.read(one, size),
            "id": one.get("id"),
        }

    def _where(self, one: Mapping[str, Any]) -> str:
        return f"{self.path}, annotation {one.get('id')!s:.60}"

    def _unusable(self, received: str, one: Mapping[str, Any]) -> DataError:
        return DataError(
            "An annotation is not usable",
            expected="category_id of this file, bbox [x, y, width, height], area in pixels, "
            "iscrowd 0 or 1",
            received=received,
            where=self._where(one),
        )

    def _leave_out_outlines(
        self,
        objects: Mapping[Id, list[Object]],
        sizes: Mapping[Id, Any],
        broken: dict[Id, DataError],
    ) -> None:
        """Reject objects whose segmentation cannot be used."""
        everything = [(key, place) for key, own in objects.items() for place in range(len(own))]
        outlines = [objects[key][place]["segmentation"] for key, place in everything]
        wrong = faults(outlines, [sizes[key] for key, _ in everything])
        for index in sorted(wrong):
            key, place = everything[index]
            try:
                self.check.reject(
                    wrong[index],
                    [outlines[index]],
                    self._where(objects[key][place]),
                    "segmentation",
                    "segmentations",
                )
            except DataError as error:
                broken.setdefault(key, error)
        for index in sorted(wrong, reverse=True):
            key, place = everything[index]
            del objects[key][place]
