"""The table of the boxes of a VOC folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from densefit.datasets.files.folder_state import folder_state
from densefit.datasets.objects.annotation import DatasetAnnotations
from densefit.datasets.objects.dataset_table import Stored, TableOptions, dataset_table
from densefit.datasets.objects.object_table import ObjectTable
from densefit.datasets.objects.table_cache import digest
from densefit.errors import ConfigError

from .checks import check_class_names, warn_of_zero_based
from .folder import VocFolder
from .objects import image_annotations


@dataclass(frozen=True)
class TableReader:
    """Reads the table of a split; see `VOC`.

    Attributes:
        root: the folder.
        split: name of the list.
        has_maps: the list is that of the samples with pictures of masks, if there is one.
        reads_xml: annotations are read.
        one_based, bad_boxes, exif, missing_xml: see `VOC`.

    Raises:
        ConfigError: `missing_xml` is neither "raise" nor "background".
    """

    root: Path
    split: str
    has_maps: bool
    reads_xml: bool
    one_based: bool
    bad_boxes: str
    exif: bool
    missing_xml: str

    def __post_init__(self) -> None:
        if self.missing_xml not in ("raise", "background"):
            raise ConfigError(
                "Unknown way to treat pictures without an annotation",
                expected="missing_xml='raise' or 'background'",
                received=repr(self.missing_xml),
                where="VOC",
            )

    def table(self, dataset: object, classes: list[str] | None) -> ObjectTable:
        """The table, out of its cache if there is one; `meta` has the "classes".

        Args:
            dataset: for messages.
            classes: names of the classes; None: those in the annotations.
        """
        folders = [self.root / name for name in ("Annotations", "ImageSets", "JPEGImages")]
        look = partial(folder_state, folders, (".xml", ".txt"))
        options = TableOptions(folders[2], False, self.bad_boxes, self.exif, None)
        stored = Stored(folders[:1], digest(classes), look)
        return dataset_table(dataset, partial(self._read, dataset, classes), options, stored)

    def _read(self, dataset: object, classes: list[str] | None) -> DatasetAnnotations:
        kinds = ["Segmentation", "Main"] if self.has_maps else ["Main", "Segmentation"]
        folder = VocFolder(self.root, self.split, kinds)
        files = folder.read_annotations(self.missing_xml, dataset) if self.reads_xml else {}
        names = classes or folder.class_names()
        objects = folder.objects_by_file(files)
        check_class_names(dataset, objects, names)
        if self.one_based:
            warn_of_zero_based(dataset, objects)
        return DatasetAnnotations(image_annotations(folder, files, self.one_based), names)
