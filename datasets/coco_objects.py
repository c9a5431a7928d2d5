"""Annotations of a COCO file as objects of pictures, with the class indices of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.errors import DataError

from .boxes import BoxCheck, clip_box
from .coco_keypoints import read_points

#: "box" (xyxy), "class", "crowd", "area", and where wanted "segmentation" and "keypoints".
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
        if self.by_id is not None:
            one = {"id": one["id"], "keypoints": self.by_id.get(one["id"])}
        return read_points(one, self.count, size, f"{self.path}, annotation {one.get('id')}")


@dataclass(frozen=True)
class ObjectReader:
    """Makes objects of annotations.

    Attributes:
        path: the file, for errors.
        categories: category id -> name.
        classes: name -> class index; objects of others are left out.
        check: what becomes of boxes without area.
        segmentations: whether they are wanted.
        points: keypoints, if they are wanted.
    """

    path: object
    categories: Mapping[int, str]
    classes: Mapping[str, int]
    check: BoxCheck
    segmentations: bool = False
    points: Points | None = None

    def by_image(
        self, images: Sequence[Mapping[str, Any]], annotations: Sequence[Mapping[str, Any]]
    ) -> tuple[dict[Any, list[Object]], dict[Any, DataError]]:
        """Usable objects of each picture, in the file's order; and what is wrong with others.

        Args:
            images: of the file.
            annotations: the same.

        Returns:
            Image id -> objects, and image id -> the first error, for pictures with an annotation
            that is not usable.

        Raises:
            DataError: pictures of one id, or an annotation of no picture.
        """
        sizes = {one["id"]: (int(one["height"]), int(one["width"])) for one in images}
        if len(sizes) < len(images) or not sizes:
            raise DataError(
                "The pictures must have different ids",
                received=f"{len(images)} pictures, {len(sizes)} ids",
                where=self.path,
            )
        objects: dict[Any, list[Object]] = {key: [] for key in sizes}
        broken: dict[Any, DataError] = {}
        for one in annotations:
            where = f"{self.path}, annotation {one.get('id')}"
            key = one.get("image_id")
            if not isinstance(key, (int, str)) or key not in sizes:
                raise DataError(
                    "An annotation belongs to no picture of the file", received=key, where=where
                )
            try:
                found = self._object(one, sizes[key], where)
            except DataError as error:
                broken.setdefault(key, error)
                continue
            if found is not None:
                objects[key].append(found)
        return objects, broken

    def _object(self, one: Mapping[str, Any], size: tuple[int, int], where: str) -> Object | None:
        """An annotation as `paint` and the targets need it; None if it is left out."""
        try:
            name = self.categories[one["category_id"]]
            x, y, width, height = (float(value) for value in one["bbox"])
            area = float(one.get("area", width * height))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                "An annotation is not usable",
                expected="category_id of this file, bbox [x, y, width, height], area a number",
                received=f"{type(error).__name__}: {error}",
                where=where,
            ) from error
        if name not in self.classes:
            return None
        box = clip_box((x, y, x + width, y + height), *size)
        if not (box[2] > box[0] and box[3] > box[1]):  # also catches nan
            self.check.reject("has no area in its picture", one["bbox"], where)
            return None
        return {
            "box": box,
            "class": self.classes[name],
            "crowd": bool(one.get("iscrowd", 0)),
            "area": area,
            "segmentation": one.get("segmentation") if self.segmentations else None,
            "keypoints": None if self.points is None else self.points.read(one, size),
        }
