"""Collect what is read of a COCO file into an `ObjectTable`."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from densefit.datasets.files.boxes import BoxCheck
from densefit.datasets.files.names import class_index
from densefit.datasets.objects.object_table import ObjectTable
from densefit.datasets.objects.text_column import TextColumn
from densefit.errors import DataError

from .annotation_columns import AnnotationColumns
from .content import category_names, check_categories, check_objects, in_order
from .group_category import group_of
from .ids import Id
from .image_entries import ImageEntries
from .keypoints import Pairs, Skeleton, read_skeleton
from .layout import Files
from .objects import ObjectReader, Points

_AT_ONCE = 1000  # annotations


@dataclass(frozen=True)
class TableSettings:
    """All that decides the table of a dataset.

    Attributes:
        files: of the dataset.
        classes: names of the categories to keep; None: all.
        segmentations: keep them.
        keypoints: keep them.
        flip_pairs: see `read_skeleton`.
        bad_boxes: see `BoxCheck`.
        exif: images are turned as their EXIF orientation says.
    """

    files: Files
    classes: list[str] | None = None
    segmentations: bool = False
    keypoints: bool = False
    flip_pairs: Pairs = None
    bad_boxes: str = "drop"
    exif: bool = True


@dataclass(frozen=True)
class PointSource:
    """Keypoints of another file: its path, categories, and keypoints by annotation id."""

    path: Path
    categories: list[dict[str, Any]]
    by_id: Mapping[Any, Any]


class TableCollector:
    """Collects what is read; annotations are understood once images and categories are there."""

    def __init__(
        self,
        settings: TableSettings,
        path: Path,
        points: PointSource | None,
        categories: Any,
        images: ImageEntries | None = None,
        keeps_group: bool = False,
    ) -> None:
        self._settings, self._path, self._points = settings, path, points
        self._categories = deepcopy(categories)  # their ids and names get one form
        self.images = images or ImageEntries(path, settings.files.images, settings.exif)
        self.is_late = False  # whether annotations came before what they need
        self.has_group_objects = False  # of the category that was taken for no class
        self._keeps_group = keeps_group or settings.classes is not None
        self._group: dict[str, Any] | None = None
        self._check = BoxCheck(settings.bad_boxes)
        self._errors: dict[int, DataError] = {}
        self._columns: AnnotationColumns | None = None

    def add_annotations(self, entries: list[Any]) -> None:
        """Take the next annotations."""
        if self._columns is None:
            self.is_late |= not self.images.ids or not isinstance(self._categories, list)
            if self.is_late:
                return
            self._begin()
        if self._group is not None:
            ids = (self._group["id"], str(self._group["id"]))
            self.has_group_objects |= any(entry.get("category_id") in ids for entry in entries)
        if self._columns is not None:
            for first in range(0, len(entries), _AT_ONCE):
                self._columns.add(entries[first : first + _AT_ONCE])

    def _begin(self) -> None:
        """Make the reader of annotations."""
        settings = self._settings
        check_objects(self._categories, f"{self._path}, categories")
        check_categories(self._categories, self._path)
        if not self._keeps_group:
            self._group = group_of(self._categories)
            self._categories = [row for row in self._categories if row is not self._group]
        names = category_names({"categories": self._categories})
        classes = class_list(settings.classes, names, self._path)
        points = None
        if settings.keypoints:
            source = self._points or PointSource(self._path, self._categories, {})
            skeleton = kept_skeleton(source.categories, classes, settings.flip_pairs, source.path)
            by_id = None if self._points is None else source.by_id
            points = Points(len(skeleton.names), by_id, source.path)
        index = {name: i for i, name in enumerate(classes)}
        reader = ObjectReader(self._path, names, index, self._check, settings.segmentations, points)
        rows, sizes = self.images.rows(), self.images.sizes()
        self._errors = dict(self.images.errors)
        self._columns = AnnotationColumns(reader, rows, sizes, self._errors)

    def finish(self) -> ObjectTable:
        """The table of all that was read."""
        if self._columns is None:
            self._begin()
        columns = {} if self._columns is None else self._columns.columns()
        names, count = self.images.file_names, len(self.images.ids)
        points = self._points or PointSource(self._path, self._categories, {})
        meta = {
            "path": str(self._path),
            "categories": self._categories,
            "group": None if self._group is None else self._group["name"],
            "keypoints": [str(points.path), points.categories],
            "file_names": {i: name for i, name in enumerate(names) if not isinstance(name, str)},
            "check": self._check.state_dict(),
        }
        return ObjectTable(
            ids=TextColumn.of(map(str, self.images.ids)),
            files=TextColumn.of(name if isinstance(name, str) else "" for name in names),
            sizes=self.images.sizes(),
            **columns,
            numbers=None,
            is_relative=np.zeros(count, bool),
            sources=TextColumn.of([""] * count),
            errors=self._errors,
            measured=np.array(self.images.measured, np.int64),
            meta=meta,
        )


def class_list(classes: list[str] | None, names: Mapping[Id, str], path: Path) -> list[str]:
    """The classes to keep, by default all in the order of category ids.

    Raises:
        DataError: two categories have one name, or a class is none of them.
    """
    all_names = [names[key] for key in in_order(names)]
    if len(set(all_names)) < len(all_names) or not all_names:
        raise DataError("The categories must have different names", received=all_names, where=path)
    for name in classes or ():
        class_index(name, all_names, path)
    return all_names if classes is None else classes


def kept_skeleton(
    categories: list[dict[str, Any]], classes: list[str], flip_pairs: Pairs, path: Path
) -> Skeleton:
    """The skeleton of the kept categories; see `read_skeleton`."""
    kept_categories = [entry for entry in categories if str(entry["name"]) in classes]
    return read_skeleton(kept_categories, flip_pairs, path)
