"""A dataset of images with annotated objects, whatever format they came in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.io.image import read_image
from densefit.data.sample import Sample
from densefit.datasets.files.boxes import BoxCheck, check_size
from densefit.datasets.files.labels import labels_of
from densefit.datasets.files.masks import check_count
from densefit.datasets.files.missing_files import warn_of_absent
from densefit.datasets.files.paths import Name, check_file
from densefit.errors import DataError

from .annotation import DatasetAnnotations, ImageAnnotation
from .dataset_table import Read, Stored, TableOptions, dataset_table, skeleton_of
from .masks import paint, paint_instances
from .object_table import ObjectTable
from .object_targets import DrawnObjects, Objects, box_annotations, check_targets, stated_size
from .skeleton import Skeleton


class ObjectDataset:
    """Gives images with boxes, and what else their objects have.

    A layout is a subclass whose `__init__` reads the annotations and calls this one, and which has
    a `__repr__` with all settings.

    Args:
        images: as a reader gives them, or what reads them, or the table that was made of them.
        classes: class names, in index order; None: as `images` reads them.
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
        stored: where the table of objects is stored for the next start; None: it is not.

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
        images: Iterable[ImageAnnotation] | Read | ObjectTable,
        classes: Sequence[str] | None,
        image_root: Path,
        *,
        boxes: bool = True,
        masks: bool = False,
        instances: bool = False,
        labels: bool = False,
        skeleton: Skeleton | None = None,
        bad_boxes: str = "drop",
        exif: bool = True,
        stored: Stored | None = None,
    ) -> None:
        check_targets(boxes, masks, instances, labels, type(self).__name__)
        self.image_root, self.exif = image_root, exif
        self.boxes, self.masks, self.instances, self.labels = boxes, masks, instances, labels
        if isinstance(images, ObjectTable):
            self._table = images
        else:
            read: Any = images
            if not callable(images):
                read = partial(DatasetAnnotations, images, list(classes or ()), skeleton)
                stored = stored and replace(stored, key=f"{list(classes or ())} {stored.key}")
            options = TableOptions(image_root, masks or instances, bad_boxes, exif, self._noun)
            self._table = dataset_table(self, read, options, stored)
            classes, skeleton = self._table.meta["classes"], skeleton_of(self._table.meta)
        if not len(self._table):
            raise DataError("There are no images", where=image_root)
        self.classes = list(classes or ())
        self.mask_classes, self._skeleton = ["background", *self.classes], skeleton
        if masks:
            check_count(len(self.mask_classes), f"{image_root}, masks=True")
        if skeleton is not None:
            self.keypoint_names = skeleton.names
            self.limbs, self.flip_pairs = skeleton.limbs, skeleton.flip_pairs
        if stored is None or stored.look is None:
            warn_of_absent(self, self.file_names(), image_root, self._noun)
        check = BoxCheck(bad_boxes)
        check.load_state_dict(self._table.meta["check"])
        check.report(self)
        self.dropped, self.drop_reasons = check.dropped, dict(check.reasons)
        self.boxes_outside = check.outside

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
        return stated_size(self._table, index)

    def annotations_of(
        self, index: int, size: tuple[int, int] | None = None
    ) -> dict[str, np.ndarray]:
        """Targets of the objects, without the image; relative boxes need its (height, width)."""
        return box_annotations(self._table, index, size)

    def _paint(
        self, index: int, objects: Objects, size: tuple[int, int], where: object
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
        stated = self.size_of(index)
        if stated is not None:
            check_size(stated, size, path, where)
        drawn = DrawnObjects(table, index, size)
        targets = drawn.boxes() if self.boxes else {}
        if self.masks:
            targets["mask"] = self._paint(index, drawn.objects, size, where)
        if self.instances:
            objects = drawn.objects
            instances, whole = paint_instances(objects, size, where, self.paints_in_order)
            ids = np.arange(1, len(objects) + 1, dtype=np.int64)
            targets.update(instances=instances, instance_ids=ids, instance_masks=whole)
        if self.labels:
            targets["labels"] = labels_of(drawn.labels, drawn.difficult, len(self.classes))
            targets["labels"][table.image_labels.get(index, [])] = 1
        if self._skeleton is not None and table.keypoints is not None:
            targets["keypoints"] = drawn.keypoints(table.keypoints)
            targets["keypoint_flip"] = self._skeleton.flip
        return Sample(table.ids[index], image, targets)

    def _read_image(self, path: Path) -> np.ndarray:
        """Decode the image of a sample; layouts override it whose images are no files."""
        return read_image(path, self.exif)
