"""The images of a COCO file: ids, names of files, and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.datasets.files.paths import Name, check_file, names_below
from densefit.datasets.files.picture_size import picture_size
from densefit.errors import DataError

from .content import check_images, check_objects, stated_size
from .ids import Id

_LARGEST = 2**62  # pixels; int64 holds it


class ImageEntries:
    """Collects the entries of `images`.

    Args:
        path: of the file, for errors.
        image_root: folder that the file names are below.
        exif: images are turned as their EXIF orientation says.

    Attributes:
        ids: as the file has them, see `read_id`.
        file_names: as the file has them; a name may be anything.
        measured: indices of images whose size was read from their files.
        errors: image index -> why its size is unknown.
    """

    def __init__(self, path: Path, image_root: Path, exif: bool) -> None:
        self._path, self._root, self._exif = path, image_root, exif
        self.ids: list[Id] = []
        self.file_names: list[Any] = []
        self.measured: list[int] = []
        self.errors: dict[int, DataError] = {}
        self._sizes: list[tuple[int, int]] = []
        self._unstated: list[int] = []

    def add(self, entries: Sequence[Any]) -> None:
        """Take the next entries.

        Raises:
            DataError: one is no object, or has no id or no file name.
        """
        first = len(self.ids)
        if not all(type(e) is dict and type(e.get("id")) is int for e in entries):
            check_objects(entries, f"{self._path}, images", first)
        check_images(entries, self._path, first)
        for index, entry in enumerate(entries, first):
            size: Any = (entry.get("height"), entry.get("width"))
            try:
                if not (set(map(type, size)) == {int} and min(size) > 0):
                    size = stated_size(entry, self._where(entry["id"]))
                if size is None:
                    self._unstated.append(index)
            except DataError as error:
                size, self.errors[index] = None, error
            self._sizes.append(size or (0, 0))
            self.ids.append(entry["id"])
            self.file_names.append(entry["file_name"])

    def rows(self) -> dict[Id, int]:
        """Image id -> index. Raises DataError unless all differ."""
        rows = dict(zip(self.ids, range(len(self.ids))))
        if len(rows) < len(self.ids) or not rows:
            raise DataError(
                "The pictures must have different ids",
                received=f"{len(self.ids)} pictures, {len(rows)} ids",
                where=self._path,
            )
        return rows

    def sizes(self) -> np.ndarray:
        """(images, 2) int64 height and width; 0 where there is an error.

        Sizes that the file does not state are read from the images.
        """
        names = names_below(self.file_names, self._root, self._path) if self._unstated else []
        for index in self._unstated:
            try:
                self._sizes[index] = picture_size(self._image_file(index, names), self._exif)
                self.measured.append(index)
            except DataError as error:
                self.errors[index] = error
        self._unstated = []
        return np.minimum(np.array(self._sizes, object), _LARGEST).astype(np.int64).reshape(-1, 2)

    def _image_file(self, index: int, names: Sequence[Name]) -> Path:
        name = names[index]
        if isinstance(name, DataError):
            raise name
        return check_file(self._root / name, self._where(self.ids[index]))

    def _where(self, key: Id) -> str:
        return f"{self._path}, image {key}"
