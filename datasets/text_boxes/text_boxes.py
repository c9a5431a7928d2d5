"""Boxes in text files, one file an image, by a declared order of their columns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.files.folder_state import folder_state
from densefit.datasets.files.missing_labels import check_labels
from densefit.datasets.files.names import Names, class_names
from densefit.datasets.objects import DatasetAnnotations, ImageAnnotation, ObjectDataset, Stored
from densefit.datasets.objects.table_cache import digest
from densefit.errors import ConfigError, DataError

from .labelled_files import LabelledFiles
from .line_format import LineFormat, line_format


@datasets.register("text_boxes")
class TextBoxes(ObjectDataset):
    """Images with a text file of boxes each, an object a line, whose columns the user declares.

    ============================  ================================================
    files                         columns
    ============================  ================================================
    BBox-Label-Tool               `x1 y1 x2 y2 class`, with skip_lines 1
    ICDAR 2015, 2017 MLT          `x1,y1,x2,y2,x3,y3,x4,y4,text`, `file_name: gt_{stem}.txt`
    ICDAR 2013                    `x1,y1,x2,y2,text`
    DOTA                          `x1 y1 x2 y2 x3 y3 x4 y4 class difficult`, skip_lines 2
    KITTI                         `class _ _ _ x1 y1 x2 y2 _ _ _ _ _ _ _`
    ============================  ================================================

    Coordinates are continuous, right and bottom exclusive, as they are written. The box of a
    polygon is its extent. An image whose file is missing or empty has no objects; a warning counts
    the missing ones.

    Args:
        root: the folder.
        split: folder of images and of labels below `image_folder` and `label_folder`, or what
            "{split}" in these becomes; None if there are no splits.
        columns: `class` (a name) or `class_id` (its index, from 0), and the numbers `x1 y1 x2 y2`,
            `x y w h`, `cx cy w h` or `x1 y1 x2 y2 x3 y3 ...` of a polygon; `text`, `difficult` and
            `crowd` (0 or 1), and `_` for what is not read. They are written as in the files, with
            blanks, commas, semicolons or tabs between them.
        separator: between columns; None: that of `columns`.
        relative: numbers are parts of the image's width and height.
        one_based: pixels are counted from 1, and right and bottom are included, as in PASCAL VOC.
        skip_lines: number of lines at the start of each file that are no objects.
        ignore: texts of objects that cannot be read, which are difficult.
        image_folder, label_folder: folders below `root`; "." is `root`.
        file_name: name of the label file, with the image's name without its ending as "{stem}".
        classes: class names in index order, a list or a file with one a line. None:
            `<root>/classes.txt`, or the sorted names in all files of all splits. Without a column
            of classes, its only name is that of all objects: "text", if there is a column `text`.
        boxes, masks, instances, labels, bad_boxes, exif: see `ObjectDataset`. Masks and instances
            are of polygons.

    Raises:
        ConfigError: settings that contradict each other.
        DataError: the images, all label files or the class names are missing. What is wrong with
            one file raises when its image is read.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        columns: str = "class x1 y1 x2 y2",
        separator: str | None = None,
        relative: bool = False,
        one_based: bool = False,
        skip_lines: int = 0,
        ignore: Sequence[str] = ("###",),
        image_folder: str = "images",
        label_folder: str = "labels",
        file_name: str = "{stem}.txt",
        classes: Names = None,
        boxes: bool = True,
        masks: bool = False,
        instances: bool = False,
        labels: bool = False,
        bad_boxes: str = "drop",
        exif: bool = True,
    ) -> None:
        self._unusual = unusual(TextBoxes, locals(), ("root", "split"))
        self.root, self.split = Path(root), split
        names = class_names(classes, self.root, numbered="class_id" in columns)
        line = line_format(columns, separator, relative, one_based, names, ignore)
        names = _names_without_column(line, names)
        self._format = replace(line, classes=names)
        self._skipped = skip_lines
        files = LabelledFiles(self.root, split, image_folder, label_folder, file_name)

        ending = file_name.lower().rpartition("{stem}")[2]

        def read() -> DatasetAnnotations:
            images, label_files = files.find(columns)
            by_image = dict(zip(images, files.expected(images)))
            check_labels(self, self.root, images, label_files, by_image.__getitem__)
            annotations = self._annotations(images, label_files)
            return DatasetAnnotations(annotations, names or self._class_names(files))

        super().__init__(
            read,
            None,
            self.root,
            boxes=boxes,
            masks=masks,
            instances=instances,
            labels=labels,
            bad_boxes=bad_boxes,
            exif=exif,
            stored=Stored(
                [self.root], digest(names), partial(folder_state, [self.root], (ending,))
            ),
        )

    def __repr__(self) -> str:
        return f"TextBoxes({str(self.root)!r}, split={self.split!r}{self._unusual})"

    def _class_names(self, files: LabelledFiles) -> list[str]:
        """The sorted names in the label files of all splits, so that all splits agree."""
        names: set[str] = set()
        errors: list[DataError] = []
        for path in files.all_label_files():
            try:
                names.update(item.name for item in self._format.read(path, self._skipped))
            except DataError as error:
                errors.append(error)  # raised when its image is read
        if not names:
            if errors:
                raise errors[0]
            raise DataError(
                "No class names are found",
                where=self.root,
                fix="write one name a line into classes.txt, or pass classes=",
            )
        return sorted(names)

    def _annotations(
        self, images: Sequence[str], label_files: Sequence[str | None]
    ) -> Iterator[ImageAnnotation]:
        """Read the label file of each image."""
        is_relative = self._format.box_format.is_relative
        stems = [os.path.splitext(image)[0] for image in images]
        has_doubles = len(set(stems)) < len(stems)
        for image, stem, file in zip(images, stems, label_files):
            name = image if has_doubles else stem
            if file is None:
                yield ImageAnnotation(name, image)
                continue
            path = self.root / file
            try:
                objects = self._format.read(path, self._skipped)
            except DataError as error:
                yield ImageAnnotation(name, image, source=path, error=error)
                continue
            yield ImageAnnotation(name, image, objects, path, is_relative=is_relative)


def _names_without_column(line: LineFormat, names: list[str] | None) -> list[str] | None:
    """Class names, where the files have no names of classes."""
    if "class" in line.columns:
        return names
    if "class_id" in line.columns:
        if names is None:
            raise ConfigError(
                "Class numbers need names",
                expected="classes: [name, ...], or a file classes.txt, with a column class_id",
                where="columns",
            )
        return names
    if names is None:
        return ["text" if "text" in line.columns else "object"]
    if len(names) != 1:
        raise ConfigError(
            "The text files have no column for the class",
            expected="a column class or class_id, or a single name in classes",
            received=f"{len(names)} names",
            where="columns",
        )
    return names
