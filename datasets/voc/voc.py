"""PASCAL VOC: boxes from XML files, masks and instances from pictures of indices."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from densefit.data.io.image import read_image
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.files.boxes import BoxCheck, check_size
from densefit.datasets.files.labels import labels_of
from densefit.datasets.files.labels_csv import read_labels
from densefit.datasets.files.names import Names, class_names
from densefit.datasets.objects.object_targets import DrawnObjects, box_annotations, stated_size
from densefit.errors import ConfigError, DataError
from densefit.once import warn_once

from .maps import VocMaps
from .table import TableReader

logger = logging.getLogger(__name__)


@datasets.register("voc")
class VOC:
    """A folder in the layout of PASCAL VOC.

    `JPEGImages/<id>.jpg` (or .png..., in small or capital letters), `Annotations/<id>.xml`,
    `SegmentationClass/<id>.png`, `SegmentationObject/<id>.png`,
    `ImageSets/{Main,Segmentation}/<split>.txt` with an id a line (see `listed_ids`).

    Coordinates in the files name whole pixels, count from 1 and include the last one. They become
    continuous: xmin - 1 to xmax. A box whose two corners are one and the same pixel is a stray
    click, not an object of one pixel; it counts as bad, as do corners in the wrong order and
    boxes outside of the picture. Others are clipped to the picture.

    Args:
        root: the folder.
        split: name of the list in ImageSets.
        classes: class names, a list or a file with one a line. None: `<root>/classes.txt`, or, if
            there is none, the sorted names in all files of Annotations.
        boxes: give box targets.
        masks: give masks: 0 is background, i + 1 is class i, 255 is ignored. The list then is
            that of ImageSets/Segmentation, if there is one.
        instances: give `instances` and `instance_ids` (see `Sample`) out of SegmentationObject,
            pictures of 8 or 16 bits whose ids count the objects of the annotation; where they do
            not, ids and boxes are matched by where they lie. The list is as for `masks`.
        labels_csv: give `label` out of a table, a path from `root`: a line a picture, with the
            picture in the column "id" and its class in `label_column`.
        label_column: name of the column of the class in `labels_csv`.
        one_based: the files count from 1 and include the last pixel. False: they count from 0
            and exclude it, as some tools write them. Zeros and fractions are warned of.
        bad_boxes: "drop" (with a count, `dropped`, and a warning) or "raise".
        exif: turn pictures as their EXIF orientation says.
        labels: give `labels`: 1 for each class that the picture has an object of, -1 (unknown) if
            all of them are difficult, 0 for the others.
        missing_xml: what an id without an annotation is: "raise" an error when it is read, or
            "background", a picture without objects, for which labelImg writes no file. A warning
            counts them.

    Attributes:
        classes: names of the objects' classes.
        mask_classes: "background" and those: what the pixels of a mask are.
        label_classes: with `labels_csv`, the sorted classes of the table: what `label` is.
        dropped: number of bad boxes left out.
        drop_reasons: why -> number of boxes left out.
        boxes_outside: number of boxes that reach far out of their image, and are cut to it.

    Raises:
        DataError: the folder or the list is missing or broken, no class name is found, or the
            files spell a class otherwise than `classes`. An id
            whose own files are missing, broken or of an unknown class raises when it is read.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        classes: Names = None,
        boxes: bool = True,
        masks: bool = False,
        one_based: bool = True,
        bad_boxes: str = "drop",
        exif: bool = True,
        labels: bool = False,
        instances: bool = False,
        labels_csv: str | Path | None = None,
        label_column: str = "label",
        missing_xml: str = "raise",
    ) -> None:
        self._unusual = unusual(VOC, locals(), ("root", "split"))
        if not (boxes or masks or labels):
            raise ConfigError("Neither boxes nor masks nor labels are wanted", where="VOC")
        if instances and not boxes:
            received = "instances=True, boxes=False"
            raise ConfigError("Instances belong to boxes", received=received, where="VOC")
        self.root, self.split = Path(root), split
        self.boxes, self.masks, self.labels = boxes, masks, labels
        self.one_based, self.exif, self.instances = one_based, exif, instances
        self._labels: dict[str, str] = {}
        if labels_csv is not None:
            self._labels = read_labels(self.root / labels_csv, label_column)
            self.label_classes = sorted(set(self._labels.values()))
        reader = TableReader(
            *(self.root, split, masks or instances, boxes or labels),
            *(one_based, bad_boxes, exif, missing_xml),
        )
        self._table = reader.table(self, class_names(classes, self.root))
        self.classes: list[str] = self._table.meta["classes"]
        self.mask_classes = ["background", *self.classes]
        self._maps = VocMaps(self.root, len(self.mask_classes) if masks else None, instances)
        if self._labels and self._labels.keys().isdisjoint(self._table.ids):
            warn_once(
                logger,
                "%s: %s has a line for none of the %d ids (such as %r), but for others, as %r",
                *(self, labels_csv, len(self), self._table.ids[0], next(iter(self._labels))),
            )
        check = BoxCheck(bad_boxes)
        check.load_state_dict(self._table.meta["check"])
        check.report(self)
        self.dropped, self.drop_reasons = check.dropped, dict(check.reasons)
        self.boxes_outside = check.outside

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return (root / "Annotations").is_dir() and (root / "ImageSets").is_dir()

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return f"VOC({str(self.root)!r}, split={self.split!r}{self._unusual})"

    def id_of(self, index: int) -> str:
        """The id in the list."""
        return self._table.ids[index]

    def picture_file(self, index: int) -> Path:
        """The file of the picture."""
        index = range(len(self))[index]
        if index in self._table.errors:
            raise self._table.errors[index].with_traceback(None)
        return self.root / "JPEGImages" / self._table.files[index]

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        names = ["boxes", "classes", "difficult", "crowd", "area"] * self.boxes
        names += ["labels"] * self.labels + ["mask"] * self.masks
        names += ["instances", "instance_ids"] * self.instances
        return (*names, *(["label"] if self._table.ids[index] in self._labels else ()))

    @property
    def faults(self) -> dict[int, DataError]:
        """Sample index -> why it cannot be read."""
        return self._table.errors

    def size_of(self, index: int) -> tuple[int, int] | None:
        """(height, width) of the image as its annotation states it; None if it is not read."""
        return stated_size(self._table, index)

    def label_files(self, index: int) -> list[Path]:
        """Files of the mask and of the instances."""
        return self._maps.files(self._table.ids[index])

    def annotations_of(
        self, index: int, size: tuple[int, int] | None = None
    ) -> dict[str, np.ndarray]:
        """Targets of the annotation file, without reading the image."""
        is_read = (self.boxes or self.labels) and index not in self._table.errors
        return box_annotations(self._table, index, None) if is_read else {}

    def __getitem__(self, index: int) -> Sample:
        index = range(len(self))[index]
        name, image_path = self._table.ids[index], self.picture_file(index)
        image = read_image(image_path, self.exif)
        size = (image.shape[0], image.shape[1])
        drawn, targets = DrawnObjects(self._table, index, size), {}
        if self.boxes:
            stated = self.size_of(index)
            if stated is not None:
                check_size(stated, size, image_path, self._table.sources[index])
            targets = drawn.boxes()
        if self.labels:
            targets["labels"] = labels_of(drawn.labels, drawn.difficult, len(self.classes))
        targets.update(self._maps.targets(name, image_path, size, drawn.numbers, targets))
        if name in self._labels:
            label = self.label_classes.index(self._labels[name])
            targets["label"] = np.array(label, np.int64)
        return Sample(name, image, targets)
