"""Check annotated objects, and put the usable ones into columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.datasets.files.boxes import BoxCheck
from densefit.datasets.files.names import class_index, doubled
from densefit.errors import DataError

from .annotation import ImageAnnotation
from .object_checks import CheckedImage, Row, check_images, usable_rows
from .object_table import ObjectTable
from .outline_writer import OutlineWriter
from .text_column import TextColumn

_AT_ONCE = 1000  # objects, or images


def build_table(
    images: Iterable[ImageAnnotation],
    classes: Sequence[str],
    image_root: Path,
    check: BoxCheck,
    *,
    segmentations: bool = False,
    keypoints: int = 0,
    exif: bool = True,
) -> ObjectTable:
    """Check the objects of all images, and put the usable ones into a table.

    Args:
        images: as a reader gives them.
        classes: class names, in index order.
        image_root: folder that the images' paths are below.
        check: what becomes of objects that cannot be used.
        segmentations: keep them; objects without a usable one are treated as bad boxes are.
        keypoints: number of keypoints of each object; 0: none are kept.
        exif: images are turned as their EXIF orientation says.

    Raises:
        DataError: two images have one id. What is wrong with one image is in `errors`.
    """
    builder = _Builder(list(classes), image_root, check, segmentations, keypoints, exif)
    for image in images:
        builder.add(image)
    return builder.table()


class _Builder:
    """Collects rows; see `build_table`."""

    def __init__(
        self,
        classes: list[str],
        image_root: Path,
        check: BoxCheck,
        segmentations: bool,
        keypoints: int,
        exif: bool,
    ) -> None:
        self._index: Mapping[str, int] = {name: i for i, name in enumerate(classes)}
        self._classes, self._root, self._check = classes, image_root, check
        self._segmentations, self._keypoints, self._exif = segmentations, keypoints, exif
        self._ids: list[str] = []
        self._files: list[str] = []
        self._sources: list[str] = []
        self._sizes, self._relative, self._starts = array("q"), array("b"), array("q", [0])
        self._boxes, self._areas = array("d"), array("d")
        self._labels, self._numbers = array("i"), array("i")
        self._flags = array("b")  # difficult + 2 * crowd
        self._points = array("f")
        self._outlines = OutlineWriter()
        self._waiting: list[ImageAnnotation] = []
        self._objects = 0  # of those
        self._errors: dict[int, DataError] = {}
        self._image_labels: dict[int, list[int]] = {}
        self._measured: list[int] = []

    def add(self, image: ImageAnnotation) -> None:
        """Add an image and its usable objects."""
        self._waiting.append(image)
        self._objects += len(image.objects)
        if max(self._objects, len(self._waiting)) >= _AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        outlines: list[Any] = []
        images = check_images(self._waiting, self._root, self._exif, self._segmentations)
        for checked in images:
            rows = self._rows_of(checked)
            self._add_rows(rows)
            outlines += [entry.segmentation for _, entry, *_ in rows]
        if self._segmentations:
            self._outlines.add(outlines)
        self._waiting, self._objects = [], 0

    def _rows_of(self, checked: CheckedImage) -> list[Row]:
        """Add what an image has beside its objects; rows of the usable ones."""
        image, number = checked.image, len(self._ids)
        self._ids.append(image.id)
        self._files.append(image.file)
        self._sources.append("" if image.source is None else str(image.source))
        self._sizes.extend((checked.size if checked.is_measured else image.size) or (0, 0))
        self._relative.append(image.is_relative)
        if checked.is_measured or image.is_measured:
            self._measured.append(number)
        error, rows = checked.error, []
        if error is None:
            try:
                rows = usable_rows(checked, self._index, self._classes, self._check)
                labels = [class_index(n, self._classes, image.source) for n in image.labels]
                if labels:
                    self._image_labels[number] = labels
            except DataError as fault:
                error, rows = fault, []
        if error is not None:
            self._errors[number] = error
        return rows

    def _add_rows(self, rows: list[Row]) -> None:
        for number, entry, box, label, area in rows:
            self._boxes.extend(box)
            self._areas.append(area)
            self._labels.append(label)
            self._numbers.append(number)
            self._flags.append(entry.difficult + 2 * entry.crowd)
            if self._keypoints:
                points = entry.keypoints
                if points is None:
                    points = np.zeros((self._keypoints, 3), np.float32)
                self._points.frombytes(np.asarray(points, np.float32).tobytes())
        self._starts.append(len(self._labels))

    def table(self) -> ObjectTable:
        """Make the table of what was added."""
        self._flush()
        for double in doubled(self._ids):
            sources = [
                source or None for key, source in zip(self._ids, self._sources) if key == double
            ]
            raise DataError(
                f"Two images have the id {double!r}", received=sources, where=self._root
            )
        flags = np.frombuffer(self._flags, np.int8) if self._flags else np.zeros(0, np.int8)
        points = None
        if self._keypoints:
            points = np.array(self._points, np.float32).reshape(-1, self._keypoints, 3)
        return ObjectTable(
            TextColumn.of(self._ids),
            TextColumn.of(self._files),
            np.array(self._sizes, np.int64).reshape(-1, 2),
            np.array(self._starts, np.int64),
            np.array(self._boxes, np.float64).reshape(-1, 4),
            np.array(self._labels, np.int32),
            flags % 2 > 0,
            flags > 1,
            np.array(self._areas, np.float64),
            np.array(self._numbers, np.int32),
            self._outlines.column() if self._segmentations else None,
            points,
            np.array(self._relative, bool),
            TextColumn.of(self._sources),
            self._errors,
            self._image_labels,
            measured=np.array(self._measured, np.int64),
        )
