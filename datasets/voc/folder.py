"""What is in a VOC folder: lists, annotation files and images, and which belong together."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.names import missing_split
from densefit.datasets.files.paths import name_below
from densefit.datasets.files.pictures import pictures_by_stem
from densefit.errors import DataError, MissingSplitError
from densefit.once import warn_once

from .split_list import listed_ids
from .xml import VocFile, VocObject, annotations_by_stem
from .xml_files import read_xml_files

Value = TypeVar("Value")
logger = logging.getLogger(__name__)

TREE = """
    JPEGImages/a.jpg
    Annotations/a.xml
    ImageSets/Main/{split}.txt   a name a line: a
"""


class VocFolder:
    """The files of one split.

    Args:
        root: the folder.
        split: name of the list.
        kinds: folders of ImageSets, the preferred one first.

    Attributes:
        ids: of the list.
        errors: id -> why its files cannot be used.

    Raises:
        DataError: the folder or the list is missing or broken.
    """

    def __init__(self, root: Path, split: str, kinds: Iterable[str]) -> None:
        self.root = root
        self.errors: dict[str, DataError] = {}
        self.ids = self._read_split(split, [root / "ImageSets" / kind for kind in kinds])
        self._annotations = root / "Annotations"
        self._xmls = annotations_by_stem(self._annotations)
        self._contents: dict[str, VocFile | DataError] = {}

    def xml_file(self, name: str) -> Path:
        """The annotation file of an id, there or not."""
        return self._annotations / self._xmls.get(name, [f"{name}.xml"])[0]

    def each(self, names: Iterable[str], make: Callable[[str], Value]) -> dict[str, Value]:
        """`make(id)` of each id; one for which it raises is noted and left out.

        Args:
            names: ids.
            make: gives the value of an id, or raises DataError.
        """
        values: dict[str, Value] = {}
        for name in names:
            try:
                values[name] = make(name)
            except DataError as error:
                self.errors.setdefault(name, error)
        return values

    def read_annotations(self, missing_xml: str, dataset: object) -> dict[str, VocFile]:
        """The annotation of each id; ids that have none are counted.

        Args:
            missing_xml: see `VOC`.
            dataset: for the message.
        """
        missing = [n for n in self.ids if n not in self._xmls and n not in self.errors]
        if missing:
            warn_once(
                logger,
                "%s: %d of %d ids have no annotation, the first: %s; they %s",
                dataset,
                len(missing),
                len(self.ids),
                missing[0],
                "count as pictures without objects"
                if missing_xml == "background"
                else "raise when they are read, or count as pictures without objects with "
                'missing_xml="background"',
            )
        if missing_xml == "background" and len(missing) == len(self.ids):
            raise DataError(
                "No id has an annotation",
                received=f"{len(self.ids)} ids, the first {missing[0]!r}",
                where=self._annotations,
            )
        single = [self._xmls[name] for name in self.ids if len(self._xmls.get(name, ())) == 1]
        self._read([paths[0] for paths in single])
        return self.each(self.ids, lambda name: self._annotation(name, missing_xml))

    def _read(self, paths: Iterable[str]) -> None:
        unread = [path for path in paths if path not in self._contents]
        self._contents.update(read_xml_files(self._annotations, unread))

    def _annotation(self, name: str, missing_xml: str) -> VocFile:
        """The annotation of an id, or DataError."""
        paths = self._xmls.get(name, [])
        if len(paths) > 1:
            raise DataError(
                f"The id {name!r} has two annotations",
                received=", ".join(paths),
                where=self._annotations,
            )
        if paths:
            file = self._contents[paths[0]]
            if isinstance(file, DataError):
                raise file
            return file
        if missing_xml == "background":
            return VocFile("", None, ())
        raise DataError(
            f"The id {name!r} has no annotation",
            where=f"{self._annotations}{os.sep}{name}.xml",
            fix='missing_xml="background" if such pictures show no object',
        )

    def objects_by_file(self, files: Mapping[str, VocFile]) -> dict[Path, tuple[VocObject, ...]]:
        """Annotation file -> its objects."""
        return {self.xml_file(name): file.objects for name, file in files.items()}

    def class_names(self) -> list[str]:
        """The sorted names in all sound annotations, so that all splits agree."""
        self._read(path for paths in self._xmls.values() for path in paths)
        files = self._contents.values()
        sound = [file for file in files if isinstance(file, VocFile)]  # others raise when read
        names = {entry.name for file in sound for entry in file.objects}
        if not names:
            raise DataError(
                "No class names are found",
                where=self.root,
                fix="write one name a line into classes.txt, or pass classes=",
            )
        return sorted(names)

    def images(self, files: Mapping[str, VocFile]) -> dict[str, str]:
        """Image file of each id: the annotated one, if the id has several."""
        folder = self.root / "JPEGImages"
        present = pictures_by_stem(folder)

        def image(name: str) -> str:
            paths = present.get(name, [])
            if len(paths) > 1 and name in files:
                ending = os.path.splitext(files[name].filename)[1]
                paths = [path for path in paths if os.path.splitext(path)[1] == ending]
            if len(paths) != 1:
                raise DataError(
                    f"The id {name!r} does not have exactly one picture",
                    received=", ".join(present.get(name, [])) or "none",
                    where=folder,
                )
            return paths[0]

        return self.each(self.ids, image)

    def _read_split(self, split: str, folders: list[Path]) -> list[str]:
        for folder in folders:
            path = folder / f"{split}.txt"
            if path.is_file():
                names = listed_ids(path, self.root / "Annotations")
                self.each(names, partial(name_below, where=path))
                return names
        splits = [path.stem for folder in folders for path in folder.glob("*.txt")]
        hint = f"write {folders[0] / str(split)}.txt with the id of a picture a line"
        if not splits and isinstance(split, str):
            raise missing_layout(
                self.root,
                TREE.format(split=split),
                "There is no list of samples",
                layout="voc",
                fix=hint,
                kind=MissingSplitError,
            )
        raise missing_split(split, self.root / "ImageSets", splits, hint)
