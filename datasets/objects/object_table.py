"""The objects of a dataset in columns: one numpy array a property, whatever the format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from densefit.datasets.coco.segmentation import faults as segmentation_faults
from densefit.datasets.files.boxes import BoxCheck, box_fault, clip_box
from densefit.datasets.files.names import class_index, doubled
from densefit.datasets.files.picture_size import picture_size
from densefit.errors import DataError

from .annotation import Box, ImageAnnotation, ObjectAnnotation


@dataclass
class ObjectTable:
    """Images and their objects.

    Attributes:
        ids: of the images.
        files: path of each image below the dataset's folder.
        sizes: (images, 2) int32, stated (height, width); 0 where unknown.
        starts: (images + 1,) int64, index of each image's first object; the last entry is their
            number.
        boxes: (objects, 4) float64, x1 y1 x2 y2.
        labels: (objects,) int32 class indices.
        difficult, crowd: (objects,) bool.
        areas: (objects,) float64.
        segmentations: of each object, if wanted.
        keypoints: (objects, K, 3) float32, if wanted.
        is_relative: (images,) bool, see `ImageAnnotation`.
        image_labels: image index -> class indices of the whole image, where it has any.
        sources: annotation file of each image, for errors.
        errors: image index -> why it cannot be used.
    """

    ids: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    sizes: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int32))
    starts: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    difficult: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    crowd: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    areas: np.ndarray = field(default_factory=lambda: np.zeros(0))
    segmentations: list[Any] | None = None
    keypoints: np.ndarray | None = None
    is_relative: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    sources: list[object] = field(default_factory=list)
    errors: dict[int, DataError] = field(default_factory=dict)
    image_labels: dict[int, list[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def objects_of(self, index: int) -> slice:
        """The rows of an image's objects."""
        return slice(int(self.starts[index]), int(self.starts[index + 1]))

    @classmethod
    def build(
        cls,
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
    """Collects rows; see `ObjectTable.build`."""

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
        self._images: list[ImageAnnotation] = []
        self._sizes: list[tuple[int, int]] = []
        self._starts = [0]
        self._rows: list[tuple[Box, int, bool, bool, float]] = []
        self._outlines: list[Any] = []
        self._points: list[np.ndarray] = []
        self._errors: dict[int, DataError] = {}
        self._image_labels: dict[int, list[int]] = {}

    def add(self, image: ImageAnnotation) -> None:
        """Add an image and its usable objects."""
        number = len(self._images)
        self._images.append(image)
        self._sizes.append(image.size or (0, 0))
        error = image.error
        if error is None:
            try:
                self._add_objects(image)
                if image.labels:
                    self._image_labels[number] = [
                        class_index(name, self._classes, image.source) for name in image.labels
                    ]
            except DataError as fault:
                error = fault
        if error is not None:
            self._errors[number] = error
            first = self._starts[-1]
            del self._rows[first:], self._outlines[first:], self._points[first:]
        self._starts.append(len(self._rows))

    def _add_objects(self, image: ImageAnnotation) -> None:
        if not image.objects:
            return
        size = image.size
        if image.is_relative:
            size = (1, 1)
        elif size is None:
            size = picture_size(self._root / image.file, self._exif)
            self._sizes[-1] = size
        for entry in image.objects:
            self._add_object(entry, size, image)

    def _add_object(
        self, entry: ObjectAnnotation, size: tuple[int, int], image: ImageAnnotation
    ) -> None:
        where = f"{image.source}, {entry.where}" if entry.where else image.source
        label = self._index.get(entry.name)
        if label is None:
            label = class_index(entry.name, self._classes, where)  # raises
        # The smallest box is a part of a pixel: of a relative one, pixels are not known yet.
        scale = 1e4 if image.is_relative else 1.0
        scaled = (
            entry.box[0] * scale,
            entry.box[1] * scale,
            entry.box[2] * scale,
            entry.box[3] * scale,
        )
        scaled_size = (int(size[0] * scale), int(size[1] * scale))
        reason, what = box_fault(scaled, scaled_size), "box"
        received: Any = entry.box
        if not reason and self._segmentations and not image.is_relative:
            faults = segmentation_faults([entry.segmentation], [size])
            reason, what, received = faults.get(0, ""), "segmentation", [entry.segmentation]
        if reason:
            self._check.reject(
                reason, received, where, what, "boxes" if what == "box" else f"{what}s"
            )
            return
        clipped = clip_box(entry.box, *size)
        if clipped != entry.box:
            self._check.note_cut(entry.box, clipped, size, where)
        area = entry.area
        if area is None:
            area = (clipped[2] - clipped[0]) * (clipped[3] - clipped[1])
        self._rows.append((clipped, label, entry.difficult, entry.crowd, area))
        self._outlines.append(entry.segmentation if self._segmentations else None)
        if self._keypoints:
            points = entry.keypoints
            empty = np.zeros((self._keypoints, 3), np.float32)
            self._points.append(empty if points is None else points)

    def table(self) -> ObjectTable:
        """Make the table of what was added."""
        ids = [image.id for image in self._images]
        for double in doubled(ids):
            sources = [image.source for image in self._images if image.id == double]
            raise DataError(
                f"Two images have the id {double!r}", received=sources, where=self._root
            )
        columns = list(zip(*self._rows)) or [(), (), (), (), ()]
        points = None
        if self._keypoints:
            points = np.array(self._points, np.float32).reshape(-1, self._keypoints, 3)
        return ObjectTable(
            ids,
            [image.file for image in self._images],
            np.array(self._sizes, np.int32).reshape(-1, 2),
            np.array(self._starts, np.int64),
            np.array(columns[0], np.float64).reshape(-1, 4),
            np.array(columns[1], np.int32),
            np.array(columns[2], bool),
            np.array(columns[3], bool),
            np.array(columns[4], np.float64),
            self._outlines if self._segmentations else None,
            points,
            np.array([image.is_relative for image in self._images], bool),
            [image.source for image in self._images],
            self._errors,
            self._image_labels,
        )
