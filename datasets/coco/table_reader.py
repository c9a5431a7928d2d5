"""Read a COCO file into an `ObjectTable`, without its objects ever being in memory at once."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from densefit.data.io.regular_file import read_regular
from densefit.datasets.files.json_lists import UnusualJsonError, last_value, read_lists
from densefit.datasets.files.text_file import MOST_BYTES
from densefit.datasets.objects.object_table import ObjectTable
from densefit.errors import DataError

from .content import category_names, check_categories, check_objects, read_file
from .image_entries import ImageEntries
from .keypoint_join import keypoints_by_id
from .table_collector import PointSource, TableCollector, TableSettings

#: Fields of annotations that are only joined by their ids.
_JOINED = ("id", "image_id", "category_id", "keypoints")


class TableReader:
    """Reads the files of a dataset.

    Args:
        settings: what to read.

    Attributes:
        digests: SHA-256 of each file that was read.
    """

    def __init__(self, settings: TableSettings) -> None:
        self._settings = settings
        self.digests: dict[Path, str] = {}

    def read(self) -> ObjectTable:
        """Read the table; `meta` has the categories and which file they are of.

        Raises:
            DataError: a file is missing, broken or has annotations of images that it does not
                contain, or two files disagree.
        """
        path, points = self.sources()
        data = self._bytes(path)
        try:
            return self._streamed(data, path, points)
        except (UnusualJsonError, DataError):
            del data  # a reader of whole files reads it, or says what is wrong
        content, table = read_file(path), None
        while table is None or table.has_group_objects:
            table = TableCollector(
                *(self._settings, path, points, content["categories"]),
                keeps_group=table is not None,
            )
            table.images.add(content["images"])
            table.add_annotations(content["annotations"])
        return table.finish()

    def sources(self) -> tuple[Path, PointSource | None]:
        """The file with the annotations, and what another one says of their keypoints."""
        files, classes = self._settings.files, self._settings.classes
        path, points_path = files.annotations, files.keypoints
        if points_path is None:
            return path, None
        further = self._joinable(points_path)
        names = set(category_names(further).values())
        if files.spare and classes is not None and set(classes) <= names:
            return points_path, None
        by_id = keypoints_by_id(self._joinable(path), path, further, points_path)
        return path, PointSource(points_path, further["categories"], by_id)

    def _streamed(self, data: bytes, path: Path, points: PointSource | None) -> ObjectTable:
        """The table of a text in which all is as usual; else an error."""
        guess = last_value(data, "categories")
        table = TableCollector(self._settings, path, points, guess)
        sinks = {"images": table.images.add, "annotations": table.add_annotations}
        rest = read_lists(data, sinks)
        categories = rest.get("categories")
        if set(rest) & set(sinks) or not isinstance(categories, list):
            raise UnusualJsonError("lists are missing")
        images, is_wrong = table.images, table.is_late or categories != guess
        while is_wrong or table.has_group_objects:
            keeps_group = table.has_group_objects and not is_wrong
            table = TableCollector(
                *(self._settings, path, points, categories, images), keeps_group=keeps_group
            )
            read_lists(data, {"images": lambda _: None, "annotations": table.add_annotations})
            is_wrong = False
        return table.finish()

    def _joinable(self, path: Path) -> dict[str, Any]:
        """The content of a file, with few fields of images and annotations."""
        data = self._bytes(path)
        images = ImageEntries(path, self._settings.files.images, self._settings.exif)
        annotations: list[dict[str, Any]] = []

        def keep(entries: list[Any]) -> None:
            for entry in entries:
                annotations.append({name: entry[name] for name in _JOINED if name in entry})

        try:
            content = read_lists(data, {"images": images.add, "annotations": keep})
            check_objects(content["categories"], f"{path}, categories")
            check_categories(content["categories"], path)
            rest = {"images": [{"id": key} for key in images.ids], "annotations": annotations}
            if set(content) & set(rest):
                raise UnusualJsonError("lists are missing")
            return {**content, **rest}
        except (UnusualJsonError, DataError, KeyError, TypeError):
            del data
        return read_file(path)

    def _bytes(self, path: Path) -> bytes:
        data = read_regular(path, MOST_BYTES, what="The annotations")
        self.digests[path] = sha256(data).hexdigest()
        return data
