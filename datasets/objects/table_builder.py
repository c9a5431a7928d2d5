"""Check annotated objects, and put the usable ones into columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.datasets.files.boxes import BoxCheck, box_fault, clip_box
from densefit.datasets.files.names import class_index, doubled
from densefit.datasets.files.picture_size import picture_size
from densefit.errors import DataError

from .annotation import Box, ImageAnnotation, ObjectAnnotation
from .object_table import ObjectTable
from .outline_writer import OutlineWriter
from .segmentation import faults as segmentation_faults
from .text_column import TextColumn

_AT_ONCE = 500  # segmentations
#: Number in the file from 1, annotation, box, class index, area.
_Row = tuple[int, ObjectAnnotation, Box, int, float]


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
        self._waiting: list[Any] = []  # outlines
        self._errors: dict[int, DataError] = {}
        self._image_labels: dict[int, list[int]] = {}
        self._measured: list[int] = []

    def add(self, image: ImageAnnotation) -> None:
        """Add an image and its usable objects."""
        self._ids.append(image.id)
        self._files.append(image.file)
        self._sources.append("" if image.source is None else str(image.source))
        self._sizes.extend(image.size or (0, 0))
        self._relative.append(image.is_relative)
        error, rows, count = image.error, [], len(self._labels)
        if error is None:
            try:
                rows = self._usable(image)
                labels = [class_index(n, self._classes, image.source) for n in image.labels]
                if labels:
                    self._image_labels[len(self._ids) - 1] = labels
            except DataError as fault:
                error = fault
        if error is not None:
            self._errors[len(self._ids) - 1] = error
        for number, entry, box, label, area in rows:
            self._boxes.extend(box)
            self._areas.append(area)
            self._labels.append(label)
            self._numbers.append(number)
            self._flags.append(entry.difficult + 2 * entry.crowd)
            if self._keypoints:
                points = entry.keypoints
                empty = np.zeros((self._keypoints, 3), np.float32)
                self._points.frombytes(
                    np.asarray(empty if points is None else points, np.float32).tobytes()
                )
            if self._segmentations:
                self._waiting.append(entry.segmentation)
        if len(self._waiting) >= _AT_ONCE:
            self._flush()
        self._starts.append(count + len(rows))

    def _usable(self, image: ImageAnnotation) -> list[_Row]:
        """Rows of an image's usable objects."""
        if not image.objects:
            return []
        size = image.size
        if image.is_relative:
            size = (1, 1)
        elif size is None:
            size = picture_size(self._root / image.file, self._exif)
            self._sizes[-2:] = array("q", size)
            self._measured.append(len(self._ids) - 1)
        rows = [
            self._row(number, entry, size, image) for number, entry in enumerate(image.objects, 1)
        ]
        return [row for row in rows if row is not None]

    def _row(
        self,
        number: int,
        entry: ObjectAnnotation,
        size: tuple[int, int],
        image: ImageAnnotation,
    ) -> _Row | None:
        """The row of an object, None if it is left out."""
        where = f"{image.source}, {entry.where}" if entry.where else image.source
        label = self._index.get(entry.name)
        if label is None:
            label = class_index(entry.name, self._classes, where)  # raises
        # The smallest box is a part of a pixel: of a relative one, pixels are not known yet.
        scale = 1e4 if image.is_relative else 1.0
        x1, y1, x2, y2 = entry.box
        scaled = (x1 * scale, y1 * scale, x2 * scale, y2 * scale)
        scaled_size = (int(size[0] * scale), int(size[1] * scale))
        reason, what = entry.fault or box_fault(scaled, scaled_size), "box"
        received: Any = entry.box
        if not reason and self._segmentations:
            outline = entry.segmentation
            if image.is_relative and isinstance(outline, list):
                outline = [[value * scale for value in polygon] for polygon in outline]
            faults = segmentation_faults([outline], [scaled_size])
            reason, what, received = faults.get(0, ""), "segmentation", [entry.segmentation]
        if reason:
            plural = "boxes" if what == "box" else f"{what}s"
            self._check.reject(reason, received, where, what, plural)
            return None
        clipped = clip_box(entry.box, *size)
        if clipped != entry.box:
            self._check.note_cut(entry.box, clipped, size, where)
        area = entry.area
        if area is None:
            area = (clipped[2] - clipped[0]) * (clipped[3] - clipped[1])
        return number, entry, clipped, label, area

    def _flush(self) -> None:
        self._outlines.add(self._waiting)
        self._waiting = []

    def table(self) -> ObjectTable:
        """Make the table of what was added."""
        for double in doubled(self._ids):
            sources = [
                source or None for key, source in zip(self._ids, self._sources) if key == double
            ]
            raise DataError(
                f"Two images have the id {double!r}", received=sources, where=self._root
            )
        self._flush()
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
