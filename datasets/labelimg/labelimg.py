"""Images with an XML file each, beside them or in a folder of its own, as labelImg writes them."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.files.folder_state import folder_state
from densefit.datasets.files.image_pairs import find_folders, split_folder
from densefit.datasets.files.layout_error import contents, missing_layout
from densefit.datasets.files.names import Names, class_names
from densefit.datasets.files.pictures import EXTENSIONS, folders_in, pictures_below
from densefit.datasets.objects import DatasetAnnotations, ObjectDataset, Stored
from densefit.datasets.objects.table_cache import digest
from densefit.datasets.voc.checks import check_class_names, warn_of_zero_based
from densefit.datasets.voc.xml import VocFile, VocObject
from densefit.errors import DataError, MissingSplitError
from densefit.once import warn_once

from .annotations import image_annotations, read_folder, warn_of_single_files

logger = logging.getLogger(__name__)

TREE = """
    images/a.jpg   or a.jpg beside a.xml, in folders or not
    annotations/a.xml
"""
_CLASSES = "predefined_classes.txt"


@datasets.register("labelimg")
class LabelImg(ObjectDataset):
    """Images and PASCAL VOC's XML, without lists: what labelImg leaves, and Roboflow's VOC export.

    Image and XML have one path without extension, in one folder or in two (`images/` and
    `annotations/`, or whatever they are called), also below other folders (`day1/images/`,
    `day1/annotations/`). An XML file whose name no image has belongs to the image that its
    `filename` names. Absolute paths inside the files are not looked at: they are those of the
    annotator's machine.

    labelImg writes no file for an image without objects, which counts as background, as a warning
    says. Corners are read as PASCAL VOC has them (see `VOC`): labelImg writes no 0, but 1 in its
    place. Right and bottom are exact so; an edge inside of the picture lies up to a pixel left of
    or above where it was drawn.

    Args:
        root: the folder.
        split: folder with a split, below `root` or below both folders: "train", "test", "val" (or
            "valid", as Roboflow calls it). None: all images below `root`.
        images: folder of the images, below `root`. None: it is found.
        annotations: folder of the XML files, below `root`. None: it is found.
        classes: class names, a list or a file with one a line. None: `classes.txt` or
            `predefined_classes.txt` in `root` or beside the XML files, or, if there is none, the
            sorted names in all XML files of all splits.
        boxes: give box targets.
        labels: give `labels`: 1 for each class that the image has an object of, -1 (unknown) if
            all of them are difficult, 0 for the others.
        one_based: corners count pixels from 1 and include the last one. False: they are edges.
        bad_boxes: "drop" (with a count, `dropped`, and a warning) or "raise".
        exif: turn images as their EXIF orientation says.

    Raises:
        ConfigError: no targets are wanted.
        DataError: no XML files, no such split, or names of no class. What is wrong with one XML
            file, or that it has no image, is in `faults`, and raised when the sample is read.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        images: str | None = None,
        annotations: str | None = None,
        classes: Names = None,
        boxes: bool = True,
        labels: bool = False,
        one_based: bool = True,
        bad_boxes: str = "drop",
        exif: bool = True,
    ) -> None:
        self._unusual = unusual(LabelImg, locals(), ("root", "split"))
        self.root, self.split = Path(root), split
        image_root, xml_root = self._folders(images, annotations)

        def read() -> DatasetAnnotations:
            files = read_folder(xml_root)
            if not files:
                raise self._missing("There are no XML files")
            objects = {
                xml_root / path: file.objects
                for path, file in files.items()
                if isinstance(file, VocFile)
            }
            names = self._class_names(classes, xml_root, objects)
            if one_based:
                warn_of_zero_based(self, objects)
            paths = pictures_below(image_root)
            annotated = image_annotations(files, paths, xml_root, one_based)
            if all(image.source is None for image in annotated[: len(paths)]):
                raise self._missing("No XML file belongs to an image")
            warn_of_single_files(self, annotated, len(paths))
            return DatasetAnnotations(annotated, names)

        names = None if classes is None else class_names(classes, self.root)
        folders = [self.root, image_root, xml_root]
        super().__init__(
            read,
            None,
            image_root,
            boxes=boxes,
            labels=labels,
            bad_boxes=bad_boxes,
            exif=exif,
            stored=Stored(
                [xml_root],
                digest((names, str(self.root))),
                partial(folder_state, folders, (".xml", ".txt")),
            ),
        )

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout: XML files, and no lists of them."""
        if (root / "ImageSets").is_dir():
            return False
        folders = [root, *(root / name for name in folders_in(root))]
        return any(name.lower().endswith(".xml") for path in folders for name in os.listdir(path))

    def __repr__(self) -> str:
        split = "" if self.split is None else f", split={self.split!r}"
        return f"LabelImg({str(self.root)!r}{split}{self._unusual})"

    def _missing(self, what: str) -> DataError:
        return missing_layout(self.root, TREE, what, layout="labelimg")

    def _folders(self, images: str | None, annotations: str | None) -> tuple[Path, Path]:
        """The folders of the images and of the XML files."""
        base: Path | None = self.root
        if self.split is not None:
            base = split_folder(self.root, self.split, (".xml", *EXTENSIONS))
        folders = self._folders_in(base or self.root, images, annotations)
        if base is None and self.split is not None:
            below = [split_folder(folder, self.split) for folder in folders]
            if below[0] is None or below[1] is None:
                raise MissingSplitError(
                    f"There is no split {self.split!r}",
                    expected=f"a folder {self.split}, or no `split`: all images",
                    received=contents(self.root),
                    where=self.root,
                )
            folders = (below[0], below[1])
        return folders

    def _folders_in(
        self, base: Path, images: str | None, annotations: str | None
    ) -> tuple[Path, Path]:
        if not base.is_dir():
            raise self._missing("There is no such folder")
        image_root, xml_root = find_folders(base, ".xml")
        if images is not None:
            image_root = base / images
        if annotations is not None:
            xml_root = base / annotations
        for setting, folder in (("images", image_root), ("annotations", xml_root)):
            if not folder.is_dir():
                raise self._missing(f"There is no folder {folder.name!r}, the setting `{setting}`")
        return image_root, xml_root

    def _class_names(
        self, classes: Names, xml_root: Path, objects: Mapping[Path, tuple[VocObject, ...]]
    ) -> list[str]:
        """The names of a list, else the sorted names in all XML files below `root`."""
        used = {entry.name for entries in objects.values() for entry in entries}
        listed = class_names(classes, self.root) or class_names(None, xml_root)
        for path in (self.root / _CLASSES, xml_root / _CLASSES):
            if listed is None and path.is_file():
                listed = class_names(path, self.root)
                # labelImg comes with a file of names, which stays where nobody changes it.
                if listed is not None and used.isdisjoint(listed):
                    warn_once(logger, "%s: no object has a name of it; it is not used", path)
                    listed = None
        if listed is not None:
            check_class_names(self, objects, listed)
            return listed
        if self.split is not None:  # all splits number their classes alike
            for file in read_folder(self.root).values():
                used |= {entry.name for entry in getattr(file, "objects", ())}
        if not used:
            raise DataError(
                "No XML file has an object, so that there are no class names",
                where=xml_root,
                fix="write one name a line into classes.txt, or pass classes=",
            )
        return sorted(used)
