"""A dataset of images with annotated objects, whatever format they came in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.io.image import read_image
from densefit.data.sample import Sample
from densefit.datasets.files.boxes import BoxCheck, box_targets, check_size
from densefit.datasets.files.labels import labels_of
from densefit.datasets.files.masks import check_count
from densefit.datasets.files.missing_files import warn_of_absent
from densefit.datasets.files.paths import Name, check_file
from densefit.errors import ConfigError, DataError

from .annotation import ImageAnnotation
from .masks import paint, paint_instances
from .object_table import ObjectTable
from .skeleton import Skeleton
from .table_builder import build_table
from .table_cache import TableCache


class ObjectDataset:
    """Gives images with boxes, and what else their objects have.

    A layout is a subclass whose `__init__` reads the annotations and calls this one, and which has
    a `__repr__` with all settings.

    Args:
        images: as a reader gives them, or the table that was made of them.
        classes: class names, in index order.
        image_root: folder that the images' paths are below.
        boxes: give `boxes`, `classes`, `difficult`, `crowd` and `area` (see `Sample`).
        masks: give `mask`, painted from the segmentations: 0 is background, i + 1 is class i.
        instances: give `instances`, `instance_ids` and `instance_masks` of the segmentations.
        labels: give `labels`: 1 for each class that the image has an object of, or that its
            annotation names for the whole image.
        skeleton: names of the keypoints, which are given as `keypoints`; None: none are.
        bad_boxes: "drop" (with a count, `dropped`, and a warning) or "raise" objects that cannot
            be used.
        exif: turn images as their EXIF orientation says.
        sources: annotation files (and folders whose list of files counts) that `images` come from,
            if the table of objects is to be stored beside the first of them: the next start maps
            it, and does not iterate over `images`. None: it is not stored.
        key: what else decides the table, besides `sources` and the repr, such as a list of images.

    Attributes:
        classes, mask_classes: names; the latter begin with "background".
        dropped: number of objects left out.
        drop_reasons: why -> number of objects left out.
        boxes_outside: number of boxes that reach far out of their image, and are cut to it.
        faults: image index -> DataError, raised when the sample is read.
        keypoint_names, limbs, flip_pairs: with keypoints, of the skeleton.

    Raises:
        ConfigError: no target is wanted, or more classes than a mask holds.
        DataError: there are no images, or two have one id.
    """

    _noun = "images"  # in warnings
    #: Masks show later objects over earlier ones; False: small ones over large ones.
    paints_in_order = False

    def __init__(
        self,
        images: Iterable[ImageAnnotation] | ObjectTable,
        classes: Sequence[str],
        image_root: Path,
        *,
        boxes: bool = True,
        masks: bool = False,
        instances: bool = False,
        labels: bool = False,
        skeleton: Skeleton | None = None,
        bad_boxes: str = "drop",
        exif: bool = True,
        sources: Sequence[Path] | None = None,
        key: str = "",
    ) -> None:
        if not (boxes or masks or labels):
            raise ConfigError(
                "No targets are selected",
                expected="boxes, masks or labels",
                where=type(self).__name__,
            )
        if instances and not boxes:
            raise ConfigError(
                "Instances belong to boxes",
                received="instances=True, boxes=False",
                where=type(self).__name__,
            )
        self.image_root, self.exif = image_root, exif
        self.boxes, self.masks, self.instances, self.labels = boxes, masks, instances, labels
        self.classes = list(classes)
        self.mask_classes = ["background", *self.classes]
        if masks:
            check_count(len(self.mask_classes), f"{image_root}, masks=True")
        self._skeleton = skeleton
        if skeleton is not None:
            self.keypoint_names = skeleton.names
            self.limbs, self.flip_pairs = skeleton.limbs, skeleton.flip_pairs
        check = BoxCheck(bad_boxes)
        self._table = self._stored(images, check, sources, key)
        if not len(self._table):
            raise DataError("There are no images", where=image_root)
        warn_of_absent(self, self.file_names(), image_root, self._noun)
        check.report(self)
        self.dropped, self.drop_reasons = check.dropped, dict(check.reasons)
        self.boxes_outside = check.outside

    def _stored(
        self,
        images: Iterable[ImageAnnotation] | ObjectTable,
        check: BoxCheck,
        sources: Sequence[Path] | None,
        key: str,
    ) -> ObjectTable:
        """The table of the images, out of its cache if there is one."""
        if isinstance(images, ObjectTable):
            check.load_state_dict(images.meta["check"])
            return images

        def build() -> ObjectTable:
            table = build_table(
                images,
                self.classes,
                self.image_root,
                check,
                segmentations=self.masks or self.instances,
                keypoints=0 if self._skeleton is None else len(self._skeleton.names),
                exif=self.exif,
            )
            table.meta["check"] = check.state_dict()
            return table

        if not sources:
            return build()
        settings = f"{self!r} {self.classes} {self.masks or self.instances} {check.policy}"
        settings += f" {key}" if key else ""
        cache = TableCache(sources, settings, type(self).__name__.lower(), self.image_root)
        table = cache.load()
        if table is None:
            return cache.store(build)
        check.load_state_dict(table.meta["check"])
        return table

    @property
    def faults(self) -> Mapping[int, DataError]:
        """Image index -> why its sample cannot be read."""
        return self._table.errors

    def __len__(self) -> int:
        return len(self._table)

    def id_of(self, index: int) -> str:
        """The image's id."""
        return self._table.ids[index]

    def picture_file(self, index: int) -> Path:
        """The image's file. Raises DataError if there is none below `image_root`."""
        if index in self._table.errors:
            raise self._table.errors[index].with_traceback(None)
        source = self.source_of(index) or self.image_root
        return check_file(self.image_root / self._table.files[index], source)

    def file_names(self) -> Sequence[Name]:
        """Path of each image below `image_root`, or why there is none."""
        return list(self._table.files)

    def source_of(self, index: int) -> str:
        """The annotation file of an image, for errors; "" if it has none."""
        return self._table.sources[index]

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        names = ["boxes", "classes", "difficult", "crowd", "area"] * self.boxes
        names += ["mask"] * self.masks + ["labels"] * self.labels
        names += ["instances", "instance_ids", "instance_masks"] * self.instances
        return (*names, *(["keypoints", "keypoint_flip"] if self._skeleton is not None else ()))

    def size_of(self, index: int) -> tuple[int, int] | None:
        """(height, width) of the image as its annotation states it; None if it does not."""
        height, width = self._table.sizes[index].tolist()
        return (height, width) if height and width else None

    def annotations_of(
        self, index: int, size: tuple[int, int] | None = None
    ) -> dict[str, np.ndarray]:
        """Targets of the objects, without reading the image.

        Args:
            index: of the sample.
            size: (height, width) of the image; without it, relative boxes are left out.
        """
        table, rows = self._table, self._table.objects_of(index)
        targets = {
            "classes": table.labels[rows].astype(np.int64),
            "difficult": table.difficult[rows],
            "crowd": table.crowd[rows],
        }
        boxes, areas = table.boxes[rows], table.areas[rows]
        if table.is_relative[index]:
            if size is None:
                return targets
            boxes, areas = boxes * [size[1], size[0], size[1], size[0]], areas * (size[0] * size[1])
        return {**targets, "boxes": boxes.astype(np.float32), "area": areas.astype(np.float32)}

    def _paint(
        self,
        index: int,
        objects: Sequence[Mapping[str, Any]],
        size: tuple[int, int],
        where: object,
    ) -> np.ndarray:
        """The target `mask` of a sample."""
        return paint(objects, size, where, self.paints_in_order)

    def __getitem__(self, index: int) -> Sample:
        index = range(len(self))[index]
        table = self._table
        if index in table.errors:
            raise table.errors[index].with_traceback(None)
        path = self.picture_file(index)
        image = self._read_image(path)
        size = (int(image.shape[0]), int(image.shape[1]))
        where = self.source_of(index) or path
        stated = (int(table.sizes[index][0]), int(table.sizes[index][1]))
        if all(stated):
            check_size(stated, size, path, where)
        rows = table.objects_of(index)
        boxes, areas = table.boxes[rows], table.areas[rows]
        segmentations: list[Any] = []
        if table.segmentations is not None:
            segmentations = table.segmentations.of_rows(rows)
        if table.is_relative[index]:
            height, width = size
            boxes, areas = boxes * [width, height, width, height], areas * (height * width)
            segmentations = [_to_pixels(polygons, size) for polygons in segmentations]
        targets: dict[str, np.ndarray] = {}
        labels, difficult = table.labels[rows].tolist(), table.difficult[rows].tolist()
        crowd = table.crowd[rows].tolist()
        if self.boxes:
            targets = box_targets(boxes.tolist(), labels, difficult, crowd, areas.tolist())
        objects = [
            {"class": label, "crowd": is_crowd, "area": area, "segmentation": segmentation}
            for label, is_crowd, area, segmentation in zip(
                labels, crowd, areas.tolist(), segmentations
            )
        ]
        if self.masks:
            targets["mask"] = self._paint(index, objects, size, where)
        if self.instances:
            instances, whole = paint_instances(objects, size, where, self.paints_in_order)
            ids = np.arange(1, len(objects) + 1, dtype=np.int64)
            targets.update(instances=instances, instance_ids=ids, instance_masks=whole)
        if self.labels:
            targets["labels"] = labels_of(labels, difficult, len(self.classes))
            targets["labels"][table.image_labels.get(index, [])] = 1
        if self._skeleton is not None and table.keypoints is not None:
            targets["keypoints"] = table.keypoints[rows].copy()
            if table.is_relative[index]:
                targets["keypoints"][..., :2] *= np.array(size[::-1], np.float32)
            targets["keypoint_flip"] = self._skeleton.flip
        return Sample(table.ids[index], image, targets)

    def _read_image(self, path: Path) -> np.ndarray:
        """Decode the image of a sample; layouts override it whose images are no files."""
        return read_image(path, self.exif)


def _to_pixels(polygons: Any, size: tuple[int, int]) -> Any:
    """Polygons in parts of the image as polygons in pixels."""
    scale = (size[1], size[0])
    if not isinstance(polygons, list):
        return polygons
    return [[value * scale[i % 2] for i, value in enumerate(polygon)] for polygon in polygons]
