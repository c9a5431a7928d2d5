"""Boxes in a table: a row a box, with the image's path and the class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.files.folder_state import folder_state
from densefit.datasets.files.names import Names, class_names, missing_split
from densefit.datasets.files.split_names import WITHOUT_SPLITS, split_names
from densefit.datasets.objects import DatasetAnnotations, ObjectDataset, Stored
from densefit.datasets.objects.table_cache import digest
from densefit.errors import ConfigError, DataError

from .columns import find_columns
from .entry import Entry, check_unit, read_entries
from .find_tables import find_tables, has_table
from .images import image_annotations, image_files
from .table import read_table
from .via import is_via, read_via


@datasets.register("csv")
class CSVBoxes(ObjectDataset):
    """Images with boxes out of a CSV file, a box a row.

    Tables of these tools are read without settings: TensorFlow's and Roboflow's (`filename, width,
    height, class, xmin, ymin, xmax, ymax`), keras-retinanet's (no header; path, x1, y1, x2, y2,
    class), Open Images' (`ImageID, LabelName, XMin, XMax, YMin, YMax`, parts of the image, images
    without an ending, `IsGroupOf` is `crowd`), makesense.ai's (with and without a header),
    SKU-110K's and Google AutoML's (no header), the VGG Image Annotator's (rectangles, polygons,
    circles, ellipses), and others whose columns have such names. A row with an empty box is an
    image without objects, or adds none.

    The table of a split is `<split>.csv`, `<split>_labels.csv`, `<split>/_annotations.csv` or the
    like; or one table has a column `split` (or `set`, `subset`). Cells are divided by a comma,
    semicolon or tab. Boxes are continuous pixel coordinates, right and bottom exclusive, as they
    are written: tables made of PASCAL VOC's XML need `one_based`.

    Args:
        root: the folder, or the table.
        split: its name; None: all rows of a single table.
        file: path of the table below `root`; "{split}" in it becomes the split.
        columns: what -> name of its column, or its index from 0: `image`, `class`, `box` (a list of
            four, or one column with four numbers), `size` (width and height of the image), `split`,
            `difficult`, `crowd`. Of VIA's tables, `class` is an attribute of the regions.
        box_format: xyxy, xywh or cxcywh (from the centre); None: by the names of the columns, if
            they are usual ones.
        relative: boxes are parts of the image's width and height; None: if the table is of Open
            Images. Boxes that all lie within a pixel are an error, unless this is stated.
        one_based: pixels are counted from 1, and right and bottom are included, as in PASCAL VOC.
            Boxes of a single pixel are stray clicks, and have no area.
        delimiter: character between cells; None: see above.
        image_folder: folder of the images below `root`; None: `root`, the table's folder, `images`
            or the split's.
        classes: class names in index order, a list or a file with one a line. None:
            `<root>/classes.txt`, or the sorted names in the tables of all splits. A single name is
            the class of all boxes, if there is no column for it.
        boxes, masks, instances, labels, bad_boxes, exif: see `ObjectDataset`. Masks and instances
            are of VIA's polygons.

    Raises:
        ConfigError: settings that contradict each other.
        DataError: the table is missing or broken, or its columns are unknown. What is wrong with
            a row raises when its image is read.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        file: str | None = None,
        columns: Mapping[str, Any] | None = None,
        box_format: str | None = None,
        relative: bool | None = None,
        one_based: bool = False,
        delimiter: str | None = None,
        image_folder: str | None = None,
        classes: Names = None,
        boxes: bool = True,
        masks: bool = False,
        instances: bool = False,
        labels: bool = False,
        bad_boxes: str = "drop",
        exif: bool = True,
    ) -> None:
        self._unusual = unusual(CSVBoxes, locals(), ("root", "split"))
        self.root, self.split = Path(root), split
        if self.root.is_file():
            self.root, file = self.root.parent, file or self.root.name
        self._columns = columns
        self._settings = (box_format, relative, one_based, delimiter)
        names = class_names(classes, self.root)
        self._only_class = names[0] if names is not None and len(names) == 1 else None
        tables = find_tables(self.root, split, file)

        def read() -> DatasetAnnotations:
            entries, is_relative = self._read(tables.path)
            class_list = names
            if class_list is None:
                class_list = self._class_names(entries, tables.further)
            entries = entries if tables.is_of_split else self._of_split(entries, tables.path)
            rows: dict[str, list[Entry]] = {}
            for entry in entries:
                rows.setdefault(entry.image, []).append(entry)
            files = image_files(list(rows), self.root, tables.path, split, image_folder)
            images = image_annotations(rows, files, tables.path, is_relative)
            return DatasetAnnotations(images, class_list)

        folders = [self.root, self.root / (image_folder or "")]
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
                [tables.path, *tables.further], digest(names), partial(folder_state, folders)
            ),
        )

    def __repr__(self) -> str:
        return f"CSVBoxes({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return has_table(root)

    def _read(self, path: Path) -> tuple[list[Entry], bool]:
        """Rows of a table, and whether their boxes are relative."""
        table = read_table(path, self._settings[3])
        box_format, relative, one_based, _ = self._settings
        if is_via(table):
            attribute = (self._columns or {}).get("class")
            return list(read_via(table, attribute, self._only_class)), False
        columns = find_columns(table, self._columns, box_format, relative, one_based)
        if columns.label is None and self._only_class is None:
            raise ConfigError(
                "The table has no known column for the class",
                expected="columns: {class: NAME}, or a single name in classes",
                received=", ".join(table.header or table.rows[0][1])[:200],
                where=path,
            )
        entries = list(read_entries(table, columns, self._only_class))
        check_unit(entries, columns, path, relative is not None)
        return entries, columns.box_format.is_relative

    def _class_names(self, entries: Sequence[Entry], further: Sequence[Path]) -> list[str]:
        """The sorted names in the tables of all splits, so that all splits agree."""
        names = {entry.object.name for entry in entries if entry.object}
        for path in further:
            try:
                further_entries, _ = self._read(path)
            except (ConfigError, DataError):
                continue  # raised when its split is opened
            names.update(entry.object.name for entry in further_entries if entry.object)
        errors = (entry.error for entry in entries if entry.error is not None)
        if not names:
            raise next(errors, None) or DataError(
                "No class names are found",
                where=self.root,
                fix="write one name a line into classes.txt, or pass classes=",
            )
        if all(name.isascii() and name.isdigit() for name in names):
            return sorted(names, key=int)
        return sorted(names)

    def _of_split(self, entries: list[Entry], table: Path) -> list[Entry]:
        """Rows of the split, if the table has a column for it."""
        names = {entry.split for entry in entries if entry.split is not None}
        if self.split is None:
            return entries
        spellings = {name.lower() for name in split_names(self.split)}
        chosen = [entry for entry in entries if (entry.split or "").lower() in spellings]
        if not chosen:
            known_splits = sorted(filter(None, names))
            raise missing_split(self.split, table, known_splits, WITHOUT_SPLITS)
        return chosen
