"""PASCAL VOC: boxes from XML files, masks and instances from pictures of indices."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from densefit.data.io.image import read_image
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.files.boxes import BoxCheck, box_fault, box_targets, check_size, clip_box
from densefit.datasets.files.instance_maps import ids_of_boxes, read_instances
from densefit.datasets.files.labels import labels_of
from densefit.datasets.files.labels_csv import read_labels
from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.masks import MaskReader
from densefit.datasets.files.names import Names, class_index, class_names, missing_split
from densefit.datasets.files.paths import name_below
from densefit.datasets.files.picture_size import picture_size
from densefit.datasets.files.pictures import pictures_by_stem
from densefit.errors import ConfigError, DataError, MissingSplitError
from densefit.once import warn_once

from .checks import check_class_names, warn_of_zero_based
from .split_list import listed_ids
from .xml import VocFile, VocObject, annotations_by_stem, read_voc_xml

Made = TypeVar("Made")
_Object = tuple[tuple[float, float, float, float], int, bool, int]
logger = logging.getLogger(__name__)

TREE = """
    JPEGImages/a.jpg
    Annotations/a.xml
    ImageSets/Main/{split}.txt   a name a line: a
"""


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
        if missing_xml not in ("raise", "background"):
            raise ConfigError(
                "Unknown way to treat pictures without an annotation",
                expected="missing_xml='raise' or 'background'",
                received=repr(missing_xml),
                where="VOC",
            )
        if not boxes and not masks and not labels:
            raise ConfigError("Neither boxes nor masks nor labels are wanted", where="VOC")
        if instances and not boxes:
            raise ConfigError(
                "Instances belong to boxes", received="instances=True, boxes=False", where="VOC"
            )
        self.root, self.split = Path(root), split
        self.boxes, self.masks, self.labels = boxes, masks, labels
        self.one_based, self.exif, self.instances = one_based, exif, instances
        self._labels: dict[str, str] = {}
        if labels_csv is not None:
            self._labels = read_labels(self.root / labels_csv, label_column)
            self.label_classes = sorted(set(self._labels.values()))
        self._broken: dict[str, DataError] = {}  # by id, raised when the sample is read
        self._ids = self._read_split()
        self._files: dict[str, VocFile] = {}
        self._xmls = annotations_by_stem(self.root / "Annotations")
        if boxes or labels:
            self._files = self._read_files(missing_xml)
        self.classes = class_names(classes, self.root) or self._found_classes()
        check_class_names(self, self._objects_by_file(), self.classes)
        self.mask_classes = ["background", *self.classes]
        if masks:
            self._read_mask = MaskReader(len(self.mask_classes))
        self._images = self._find_images()
        if self._labels and self._labels.keys().isdisjoint(self._ids):
            warn_once(
                logger,
                "%s: %s has a line for none of the %d ids (such as %r), but for others, as %r",
                *(self, labels_csv, len(self._ids), self._ids[0], next(iter(self._labels))),
            )
        check = BoxCheck(bad_boxes)
        self._sizes: dict[str, tuple[int, int]] = {}
        self._targets = self._each(self._files, lambda name: self._objects(name, check))
        check.report(self)
        self.dropped, self.drop_reasons = check.dropped, dict(check.reasons)
        if one_based:
            warn_of_zero_based(self, self._objects_by_file())

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return (root / "Annotations").is_dir() and (root / "ImageSets").is_dir()

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return f"VOC({str(self.root)!r}, split={self.split!r}{self._unusual})"

    def id_of(self, index: int) -> str:
        """The id in the list."""
        return self._ids[index]

    def picture_file(self, index: int) -> Path:
        """The file of the picture."""
        return self._picture(self._ids[index])

    def _picture(self, name: str) -> Path:
        if name in self._broken:
            raise self._broken[name].with_traceback(None)
        return self.root / "JPEGImages" / self._images[name]

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        names = ["boxes", "classes", "difficult", "crowd", "area"] * self.boxes
        names += ["labels"] * self.labels + ["mask"] * self.masks
        names += ["instances", "instance_ids"] * self.instances
        return (*names, *(["label"] if self._ids[index] in self._labels else ()))

    @property
    def faults(self) -> dict[int, DataError]:
        """Sample index -> why it cannot be read."""
        broken = self._broken
        return {i: broken[name] for i, name in enumerate(self._ids) if name in broken}

    def size_of(self, index: int) -> tuple[int, int] | None:
        """(height, width) of the image as its annotation states it; None if it is not read."""
        return self._sizes.get(self._ids[index])

    def label_files(self, index: int) -> list[Path]:
        """Files of the mask and of the instances."""
        folders = ["SegmentationClass"] * self.masks + ["SegmentationObject"] * self.instances
        return [self.root / folder / f"{self._ids[index]}.png" for folder in folders]

    def annotations_of(
        self, index: int, size: tuple[int, int] | None = None
    ) -> dict[str, np.ndarray]:
        """Targets of the annotation file, without reading the image."""
        name = self._ids[index]
        return self._box_targets(self._targets[name]) if name in self._targets else {}

    def _box_targets(self, objects: list[_Object]) -> dict[str, np.ndarray]:
        corners = [box for box, *_ in objects]
        return box_targets(
            corners,
            [label for _, label, _, _ in objects],
            [difficult for _, _, difficult, _ in objects],
            [False] * len(objects),
            [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in corners],
        )

    def __getitem__(self, index: int) -> Sample:
        name = self._ids[index]
        image_path = self.picture_file(index)
        image = read_image(image_path, self.exif)
        size = (image.shape[0], image.shape[1])
        targets = {}
        if self.boxes:
            check_size(self._sizes[name], size, image_path, self._xml(name))
            targets = self._box_targets(self._targets[name])
        if self.labels:
            shown = self._targets[name]
            targets["labels"] = labels_of(
                [label for _, label, _, _ in shown],
                [difficult for _, _, difficult, _ in shown],
                len(self.classes),
            )
        if self.masks:
            path = self.root / "SegmentationClass" / f"{name}.png"
            targets["mask"] = self._read_mask(path, image_path, size)
        if self.instances:
            path = self.root / "SegmentationObject" / f"{name}.png"
            targets["instances"] = read_instances(path, image_path, size)
            numbers = np.array([number for *_, number in self._targets[name]], np.int64)
            targets["instance_ids"] = ids_of_boxes(
                targets["instances"], targets["boxes"], numbers, path
            )
        if name in self._labels:
            label = self.label_classes.index(self._labels[name])
            targets["label"] = np.array(label, np.int64)
        return Sample(name, image, targets)

    def _xml(self, name: str) -> Path:
        """The annotation of an id, there or not."""
        return self.root / "Annotations" / self._xmls.get(name, [f"{name}.xml"])[0]

    def _read_files(self, missing_xml: str) -> dict[str, VocFile]:
        """The annotations; ids that have none are counted."""
        missing = [one for one in self._ids if one not in self._xmls and one not in self._broken]
        if missing:
            warn_once(
                logger,
                "%s: %d of %d ids have no annotation, the first: %s; they %s",
                self,
                len(missing),
                len(self._ids),
                missing[0],
                "count as pictures without objects"
                if missing_xml == "background"
                else "raise when they are read, or count as pictures without objects with "
                'missing_xml="background"',
            )
        if missing_xml == "background" and len(missing) == len(self._ids):
            raise DataError(
                "No id has an annotation",
                received=f"{len(self._ids)} ids, the first {missing[0]!r}",
                where=self.root / "Annotations",
            )

        def read(name: str) -> VocFile:
            names = self._xmls.get(name, [])
            if len(names) > 1:
                raise DataError(
                    f"The id {name!r} has two annotations",
                    received=", ".join(names),
                    where=self.root / "Annotations",
                )
            if names:
                return read_voc_xml(self._xml(name))
            if missing_xml == "background":
                return VocFile("", None, ())
            raise DataError(
                f"The id {name!r} has no annotation",
                where=f"{self.root / 'Annotations'}{os.sep}{name}.xml",
                fix='missing_xml="background" if such pictures show no object',
            )

        return self._each(self._ids, read)

    def _objects_by_file(self) -> dict[Path, tuple[VocObject, ...]]:
        return {self._xml(name): file.objects for name, file in self._files.items()}

    def _each(self, names: Iterable[str], make: Callable[[str], Made]) -> dict[str, Made]:
        """`make(id)` of each id; one whose annotation is broken is noted and left out."""
        made: dict[str, Made] = {}
        for name in names:
            try:
                made[name] = make(name)
            except DataError as error:
                self._broken.setdefault(name, error)
        return made

    def _read_split(self) -> list[str]:
        maps = self.masks or self.instances
        kinds = ["Segmentation", "Main"] if maps else ["Main", "Segmentation"]
        folders = [self.root / "ImageSets" / kind for kind in kinds]
        for folder in folders:
            path = folder / f"{self.split}.txt"
            if path.is_file():
                names = listed_ids(path, self.root / "Annotations")
                self._each(names, partial(name_below, where=path))
                return names
        known = [path.stem for folder in folders for path in folder.glob("*.txt")]
        hint = f"write {folders[0] / str(self.split)}.txt with the id of a picture a line"
        if not known and isinstance(self.split, str):
            tree = TREE.format(split=self.split)
            raise missing_layout(
                self.root,
                tree,
                "There is no list of samples",
                layout="voc",
                fix=hint,
                kind=MissingSplitError,
            )
        raise missing_split(self.split, self.root / "ImageSets", known, hint)

    def _found_classes(self) -> list[str]:
        """The sorted names in all sound annotations, so that all splits agree."""
        names: set[str] = set()
        for stem, files in self._xmls.items():
            for name in files:
                try:
                    path = self.root / "Annotations" / name
                    file = self._files.get(stem) or read_voc_xml(path)
                except DataError:
                    continue  # told when its sample is read
                names.update(thing.name for thing in file.objects)
        if not names:
            raise DataError(
                "No class names are found",
                where=self.root,
                fix="write one name a line into classes.txt, or pass classes=",
            )
        return sorted(names)

    def _find_images(self) -> dict[str, str]:
        """The picture's file name of each id: the annotated one, if the id has several."""
        folder = self.root / "JPEGImages"
        present = pictures_by_stem(folder)

        def picture(name: str) -> str:
            found = present.get(name, [])
            if len(found) > 1 and name in self._files:
                ending = os.path.splitext(self._files[name].filename)[1]
                found = [file for file in found if os.path.splitext(file)[1] == ending]
            if len(found) != 1:
                raise DataError(
                    f"The id {name!r} does not have exactly one picture",
                    received=", ".join(present.get(name, [])) or "none",
                    where=folder,
                )
            return found[0]

        return self._each(self._ids, picture)

    def _objects(self, name: str, check: BoxCheck) -> list[_Object]:
        """(box, class, difficult, place in the file from 1) of the usable objects of a file."""
        file, path, usable = self._files[name], self._xml(name), []
        size = self._sizes[name] = file.size or picture_size(self._picture(name), self.exif)
        for number, thing in enumerate(file.objects, 1):
            label = class_index(thing.name, self.classes, path)
            box, why = self._box(thing)
            why = why or box_fault(box, size)
            if why:
                check.reject(why, thing.corners, path)
            else:
                clipped = clip_box(box, *size)
                check.note_cut(box, clipped, size, path)
                usable.append((clipped, label, thing.difficult, number))
        return usable

    def _box(self, thing: VocObject) -> tuple[tuple[float, float, float, float], str]:
        """The box in continuous coordinates, and what is wrong with it ("" if nothing)."""
        xmin, ymin, xmax, ymax = thing.corners
        first = 1.0 if self.one_based else 0.0
        box = (xmin - first, ymin - first, xmax, ymax)
        if xmax < xmin or ymax < ymin:
            return box, "has its corners in the wrong order"
        if (xmin, ymin) == (xmax, ymax):
            return box, "has no area"
        return box, ""
