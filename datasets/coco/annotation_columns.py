"""The annotations of a COCO file in columns, some hundreds at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from densefit.datasets.objects.outline_writer import OutlineWriter
from densefit.datasets.objects.segmentation import faults
from densefit.errors import DataError

from .annotation_rows import LEFT_OUT, PlainRows, Rows, empty_rows
from .ids import Id
from .objects import ObjectReader


class AnnotationColumns:
    """Collects annotations: the plain ones, which are nearly all, by numpy; others one by one.

    Args:
        reader: reads one annotation, and knows what is kept of it.
        rows: image id -> index.
        sizes: (images, 2) height and width of each image.
        errors: image index -> why the image cannot be used; gets the first error of others.
    """

    def __init__(
        self,
        reader: ObjectReader,
        rows: Mapping[Id, int],
        sizes: np.ndarray,
        errors: dict[int, DataError],
    ) -> None:
        self._reader, self._rows, self._sizes, self._errors = reader, rows, sizes, errors
        self._plain = PlainRows(reader, rows, sizes)
        self._unsized = np.zeros(len(sizes), bool)
        self._unsized[list(errors)] = True
        self._pieces: list[tuple[np.ndarray, ...]] = []
        self._points: list[np.ndarray] = []
        self._outlines = OutlineWriter()
        self._has_outline: list[np.ndarray] = []  # of each that the writer got
        self._bad_outlines: list[tuple[int, str, Any, str]] = []  # image, reason, outline, where

    def add(self, annotations: Sequence[Any]) -> None:
        """Take the next annotations.

        Raises:
            DataError: one belongs to no image of the file.
        """
        rows = self._plain.read(annotations) or self._unread_rows(annotations)
        is_left_out = self._unsized[rows.images] | (rows.classes == LEFT_OUT)
        is_used = rows.is_plain & ~is_left_out
        points: dict[int, np.ndarray] = {}
        for i in np.flatnonzero(~(rows.is_plain | is_left_out)).tolist():
            is_used[i] = self._read(rows, i, annotations[i], points)
        if self._reader.points is not None:
            for i in np.flatnonzero(is_used).tolist():
                is_used[i] = i in points or self._read_points(rows, i, annotations[i], points)
        if self._reader.segmentations:
            self._add_outlines(rows, is_used, annotations)
        used = np.flatnonzero(is_used)
        columns = (rows.images, rows.boxes, rows.classes, rows.crowd, rows.areas)
        self._pieces.append(tuple(column[used] for column in columns))
        self._points += [points[i] for i in used.tolist() if points]

    def columns(self) -> dict[str, Any]:
        """Columns of an `ObjectTable`, sorted by image; ends the collection."""
        self._reject_outlines()
        empty = empty_rows(0)
        start = (empty.images, empty.boxes, empty.classes, empty.crowd, empty.areas)
        images, *rest = (np.concatenate(column) for column in zip(start, *self._pieces))
        self._pieces = []
        order = np.argsort(images, kind="stable")
        starts = np.zeros(len(self._sizes) + 1, np.int64)
        np.cumsum(np.bincount(images, minlength=len(self._sizes)), out=starts[1:])
        boxes, classes, crowd, areas = (column[order] for column in rest)
        outlines = points = None
        if self._reader.segmentations:
            outline_rows = np.flatnonzero(np.concatenate([np.zeros(0, bool), *self._has_outline]))
            outlines = self._outlines.column().select(outline_rows[order])
        if self._reader.points is not None:
            shape = (-1, self._reader.points.count, 3)
            points = np.array(self._points, np.float32).reshape(shape)[order]
        return {
            "starts": starts,
            "boxes": boxes,
            "labels": classes,
            "difficult": np.zeros(len(classes), bool),
            "crowd": crowd,
            "areas": areas,
            "segmentations": outlines,
            "keypoints": points,
        }

    def _unread_rows(self, annotations: Sequence[Any]) -> Rows:
        """Rows that are still to be read one by one."""
        rows = empty_rows(len(annotations))
        rows.images[:] = [self._reader.image_of(entry, self._rows) for entry in annotations]
        return rows

    def _read(self, rows: Rows, i: int, annotation: Any, points: dict[int, np.ndarray]) -> bool:
        """Read an annotation that is not plain; whether it is used."""
        image = int(rows.images[i])
        try:
            entry = self._reader.read(annotation, self._size(image))
        except DataError as error:
            self._errors.setdefault(image, error)
            return False
        if entry is None:
            return False
        rows.boxes[i], rows.classes[i] = entry["box"], entry["class"]
        rows.areas[i], rows.crowd[i] = entry["area"], entry["crowd"]
        if entry["keypoints"] is not None:
            points[i] = entry["keypoints"]
        return True

    def _read_points(
        self, rows: Rows, i: int, annotation: Any, points: dict[int, np.ndarray]
    ) -> bool:
        """Read the keypoints of a plain annotation; whether they can be used."""
        image = int(rows.images[i])
        try:
            if self._reader.points is not None:
                points[i] = self._reader.points.read(annotation, self._size(image))
        except DataError as error:
            self._errors.setdefault(image, error)
            return False
        return True

    def _add_outlines(self, rows: Rows, is_used: np.ndarray, annotations: Sequence[Any]) -> None:
        """Add the segmentations of used annotations; `is_used` loses those that have a fault."""
        used = np.flatnonzero(is_used).tolist()
        outlines = [annotations[i].get("segmentation") for i in used]
        doubtful = self._outlines.add(outlines)
        sizes = [self._size(int(rows.images[used[k]])) for k in doubtful]
        reasons = faults([outlines[k] for k in doubtful], sizes)
        for index, reason in sorted(reasons.items()):
            i, outline = used[doubtful[index]], outlines[doubtful[index]]
            is_used[i] = False
            where = self._reader.where(annotations[i])
            self._bad_outlines.append((int(rows.images[i]), reason, outline, where))
        self._has_outline.append(is_used[used])

    def _reject_outlines(self) -> None:
        """Reject segmentations that have a fault, image by image, after all boxes."""
        for image, reason, outline, where in sorted(self._bad_outlines, key=itemgetter(0)):
            try:
                self._reader.check.reject(reason, [outline], where, "segmentation", "segmentations")
            except DataError as error:
                self._errors.setdefault(image, error)

    def _size(self, image: int) -> tuple[int, int]:
        height, width = self._sizes[image].tolist()
        return height, width
