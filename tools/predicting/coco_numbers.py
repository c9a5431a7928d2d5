"""Ids of images and categories in COCO's results: of an annotation file, else counted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.datasets.files.json_file import read_json
from densefit.errors import ConfigError, DataError

_NUMBER = re.compile("[0-9]{1,18}")


class CocoNumbers:
    """Ids of images by file name, and of categories by class name.

    Without annotations, the id of an image is its name if that is a number (as 000000000139.jpg in
    COCO), else it is counted from 1; the id of a category is its index in the head and 1.

    Args:
        annotations: COCO annotation file that the results are to be compared with.

    Attributes:
        images: name of each image in the files -> id, as far as they were asked for.

    Raises:
        DataError: the file has no images or categories.
    """

    def __init__(self, annotations: Path | None = None) -> None:
        self.annotations = annotations
        self.images: dict[str, Any] = {}
        self._by_file: dict[str, Any] = {}
        self._categories: dict[str, Any] | None = None
        if annotations is not None:
            self._read(annotations)

    def _read(self, path: Path) -> None:
        content = read_json(path, "annotations")
        try:
            for image in content["images"]:
                for name in {str(image["file_name"]), Path(str(image["file_name"])).name}:
                    self._by_file.setdefault(name, image["id"])
            self._categories = {
                str(category["name"]): category["id"] for category in content["categories"]
            }
        except (KeyError, TypeError) as error:
            raise DataError(
                "The annotations have no images with file names, or no categories with names",
                expected='{"images": [{"id", "file_name"}], "categories": [{"id", "name"}]}',
                where=path,
            ) from error

    def image(self, path: str | Path, key: str) -> Any:
        """Id of an image.

        Args:
            path: its file.
            key: its name among the results.

        Raises:
            DataError: the annotations have no such image.
        """
        if key not in self.images:
            self.images[key] = self._image(Path(path), key)
        return self.images[key]

    def _image(self, path: Path, key: str) -> Any:
        if self.annotations is not None:
            parts = path.parts
            for start in range(len(parts)):  # the longest name first: train/1.jpg before 1.jpg
                name = "/".join(parts[start:])
                if name in self._by_file:
                    return self._by_file[name]
            raise DataError(
                "The annotations have no image of this name",
                received=path.name,
                where=self.annotations,
                fix="predict the images of the annotations alone, or leave --coco-annotations out",
            )
        stem = Path(key).stem
        taken = set(self.images.values())
        if _NUMBER.fullmatch(stem) and int(stem) not in taken:
            return int(stem)
        number = len(self.images) + 1
        while number in taken:
            number += 1
        return number

    def categories(self, classes: Sequence[str]) -> Mapping[int, Any]:
        """Class index -> category id.

        Raises:
            ConfigError: the annotations have no category of a class.
        """
        if self._categories is None:
            return {index: index + 1 for index in range(len(classes))}
        lacking = [str(name) for name in classes if str(name) not in self._categories]
        if lacking:
            raise ConfigError(
                "The annotations have no category of a class of the head",
                expected=", ".join(map(str, classes))[:300],
                received=", ".join(self._categories)[:300],
                where=self.annotations,
                fix="leave --coco-annotations out: categories are then numbered from 1",
            )
        return {index: self._categories[str(name)] for index, name in enumerate(classes)}
