"""Paths of a COCO file's images, which depend on what is in the folder now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from densefit.datasets.files.paths import Name, names_below
from densefit.datasets.objects.object_table import ObjectTable
from densefit.datasets.objects.text_column import TextColumn
from densefit.errors import DataError


class FileNames:
    """Paths below the folder of the images.

    Args:
        table: of the dataset, with the names that the file states.
        image_root: folder of the images.
        source: the annotation file, for errors.

    Attributes:
        errors: image index -> why it has no path.
    """

    def __init__(self, table: ObjectTable, image_root: Path, source: Path) -> None:
        stated: list[Any] = list(table.files)
        for index, name in table.meta["file_names"].items():
            stated[int(index)] = name
        names = names_below(stated, image_root, source)
        self.errors = {i: e for i, e in enumerate(names) if isinstance(e, DataError)}
        self._names = table.files
        if names != stated:
            texts = ["" if isinstance(name, DataError) else name for name in names]
            self._names = TextColumn.of(texts)

    def __getitem__(self, index: int) -> str:
        """The path of an image. Raises DataError if it has none."""
        if index in self.errors:
            raise self.errors[index].with_traceback(None)
        return self._names[index]

    def all(self) -> list[Name]:
        """Path of each image, or the error."""
        names: list[Name] = list(self._names)
        for index, error in self.errors.items():
            names[index] = error
        return names
