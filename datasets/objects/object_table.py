"""The objects of a dataset in columns: one numpy array a property, whatever the format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from densefit.errors import DataError

from .column_file import BrokenColumnsError, ColumnFile, open_columns
from .outline_column import OutlineColumn
from .text_column import TextColumn

_PARTS = ("expected", "received", "where", "fix")
_ARRAYS = (
    *("sizes", "starts", "boxes", "labels", "difficult", "crowd", "areas", "numbers"),
    *("keypoints", "is_relative", "measured"),
)
_TEXTS = ("ids", "files", "sources")


@dataclass
class ObjectTable:
    """Images and their objects.

    A table in a file (see `column_file`) is pickled as the file's path: processes share its pages.

    Attributes:
        ids: of the images.
        files: path of each image below the dataset's folder.
        sizes: (images, 2) int64, stated (height, width); 0 where unknown.
        starts: (images + 1,) int64, index of each image's first object; the last entry is their
            number.
        boxes: (objects, 4) float64, x1 y1 x2 y2.
        labels: (objects,) int32 class indices.
        difficult, crowd: (objects,) bool.
        areas: (objects,) float64.
        numbers: (objects,) int32, position of each among its image's objects in the file, from 1;
            None: not noted.
        segmentations: of each object, if wanted.
        keypoints: (objects, K, 3) float32, if wanted.
        is_relative: (images,) bool, see `ImageAnnotation`.
        sources: annotation file of each image, for errors; "" if it has none.
        errors: image index -> why it cannot be used.
        image_labels: image index -> class indices of the whole image, where it has any.
        measured: indices of images whose size was read from the image's file.
        meta: what else a layout stores, as JSON can hold it.
        file: that the arrays are mapped from; None: they are in memory.
    """

    ids: TextColumn
    files: TextColumn
    sizes: np.ndarray
    starts: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    difficult: np.ndarray
    crowd: np.ndarray
    areas: np.ndarray
    numbers: np.ndarray | None
    segmentations: OutlineColumn | None
    keypoints: np.ndarray | None
    is_relative: np.ndarray
    sources: TextColumn
    errors: dict[int, DataError]
    image_labels: dict[int, list[int]] = field(default_factory=dict)
    measured: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    meta: dict[str, Any] = field(default_factory=dict)
    file: ColumnFile | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def objects_of(self, index: int) -> slice:
        """The rows of an image's objects."""
        return slice(int(self.starts[index]), int(self.starts[index + 1]))

    def columns(self) -> dict[str, np.ndarray]:
        """All arrays, by name, to be written to a file."""
        arrays = {name: getattr(self, name) for name in _ARRAYS if getattr(self, name) is not None}
        for name in _TEXTS:
            text = getattr(self, name)
            arrays.update({f"{name}.data": text.data, f"{name}.starts": text.starts})
        if self.segmentations is not None:
            for part in fields(OutlineColumn):
                arrays[f"segmentations.{part.name}"] = getattr(self.segmentations, part.name)
        return arrays

    def header(self) -> dict[str, Any]:
        """What belongs to the arrays, as JSON can hold it."""
        errors = {
            index: [error.what, *(_text(getattr(error, part)) for part in _PARTS)]
            for index, error in self.errors.items()
        }
        return {"errors": errors, "image_labels": self.image_labels, "meta": self.meta}

    @classmethod
    def of_file(cls, file: ColumnFile, header: Mapping[str, Any]) -> ObjectTable:
        """The table of a file's columns and of what `header` gave."""
        arrays = file.arrays
        values: dict[str, Any] = {name: arrays.get(name) for name in _ARRAYS}
        for name in _TEXTS:
            values[name] = TextColumn(arrays[f"{name}.data"], arrays[f"{name}.starts"])
        values["segmentations"] = None
        if "segmentations.kinds" in arrays:
            names = [part.name for part in fields(OutlineColumn)]
            values["segmentations"] = OutlineColumn(*(arrays[f"segmentations.{n}"] for n in names))
        errors = {
            int(index): DataError(what, **dict(zip(_PARTS, parts)))
            for index, (what, *parts) in header["errors"].items()
        }
        labels = {int(index): values for index, values in header["image_labels"].items()}
        return cls(**values, errors=errors, image_labels=labels, meta=header["meta"], file=file)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.file is not None and self.file.is_in_place:
            return _open_table, (self.file.path, self.file.checksum)
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return _make_table, ({**values, "file": None},)


def _make_table(values: dict[str, Any]) -> ObjectTable:
    return ObjectTable(**values)


def _open_table(path: Path, checksum: int) -> ObjectTable:
    """Map the same table in another process."""
    try:
        file = open_columns(path, check=False)
    except (OSError, BrokenColumnsError):
        file = None
    if file is None or file.checksum != checksum:
        raise DataError(
            "The cache of the annotations has changed since the dataset was made",
            where=path,
            fix="start again; the cache is written anew",
        )
    return ObjectTable.of_file(file, file.meta["table"])


def _text(value: object) -> str | None:
    return None if value is None else str(value)
