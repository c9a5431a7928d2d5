"""Segments in COCO's panoptic format: a JSON file, and a PNG of segment ids for each image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.io.value_image import read_triples
from densefit.datasets.files.json_file import read_json
from densefit.datasets.files.paths import name_below
from densefit.errors import DataError

from .coco_ids import indices, read_categories
from .json_records import Id, Records

_LARGEST = (1 << 24) - 1  # the largest id that three bytes hold


@dataclass(frozen=True)
class SegmentFile:
    """Segments of each image, of the ground truth or of the results.

    Attributes:
        path: the JSON file.
        folder: folder of the PNG files.
        records: annotations of the file.
        index_by_id: image id -> index into `records`.
        labels: category id -> class, for a file with categories of its own.
    """

    path: Path
    folder: Path
    records: Records
    index_by_id: Mapping[Id, int]
    labels: Mapping[Id, int] | None = None

    def png(self, record_index: int) -> Path:
        """Path of a record's PNG file."""
        name = self.records.items[record_index]["file_name"]
        return self.folder / name_below(name, self.records.where(record_index), self.folder)

    def where(self, record_index: int) -> str:
        """Position of a record and its PNG file, for errors."""
        return f"{self.records.where(record_index)} and {self.png(record_index)}"

    def read(self, record_index: int, labels: Mapping[Id, int]) -> dict[str, Any]:
        """Read the segments of an image, as the panoptic metric takes them.

        Args:
            record_index: index of the record.
            labels: category id -> class, for a file without categories.

        Raises:
            DataError: an invalid record or PNG file.
        """
        labels = labels if self.labels is None else self.labels
        record = self.records.items[record_index]
        name = f"{self.records.name}[{record_index}].segments_info"
        segments = Records.of(record.get("segments_info"), self.path, name)
        ids = segments.numbers("id", least=1.0)
        wrong = np.flatnonzero((ids > _LARGEST) | (ids % 1 != 0))
        if len(wrong):
            raise segments.error(
                int(wrong[0]),
                "A segment has no usable id",
                expected=f"an integer from 1 to {_LARGEST}",
                received=f"{ids[wrong[0]]:.15g}",
            )
        values, firsts = np.unique(ids, return_index=True)
        if len(values) < len(ids):
            index = int(np.setdiff1d(np.arange(len(ids)), firsts)[0])
            raise segments.error(
                index, "Two segments have the same id", received=f"{ids[index]:.15g}"
            )
        return {
            "map": read_ids(self.png(record_index)),
            "ids": ids.astype(np.int64),
            "classes": indices(segments, "category_id", labels, "category of the annotations"),
            "crowd": np.array([value in (1, True) for value in segments.column("iscrowd")], bool),
        }


@dataclass(frozen=True)
class PanopticTruth:
    """Content of an annotation file.

    Attributes:
        segments: segments of each image.
        classes: names, sorted by category id.
        labels: category id -> index into `classes`.
        things: names of the thing classes (countable objects).
        pictures: image id -> file name of the image.
    """

    segments: SegmentFile
    classes: list[str]
    labels: Mapping[Id, int]
    things: list[str]
    pictures: Mapping[Id, str]


def read_panoptic_truth(path: Path, folder: Path | None = None) -> PanopticTruth:
    """Read an annotation file.

    Args:
        path: JSON with "annotations" and "categories"; each category has "isthing".
        folder: folder of the PNG files; by default the path without ".json".

    Raises:
        DataError: an invalid file or record.
    """
    content = _content(path, "annotations", ("annotations", "categories"))
    segments = _segments(content, path, folder)
    if not len(segments.records):
        raise DataError("There are no annotations", where=path)
    categories = Records.of(content["categories"], path, "categories")
    classes, labels = read_categories(categories)
    things = []
    for index, (key, flag) in enumerate(zip(categories.ids("id"), categories.column("isthing"))):
        if flag not in (0, 1):
            raise categories.error(
                index,
                "A category is neither thing nor stuff",
                expected="isthing: 0 or 1",
                received=repr(flag),
            )
        if flag:
            things.append(classes[labels[key]])
    images = Records.of(content.get("images", []), path, "images")
    names = {
        key: name
        for key, name in zip(images.ids("id"), images.column("file_name"))
        if isinstance(name, str)
    }
    pictures = {
        key: names.get(key, segments.png(record_index).name)
        for key, record_index in segments.index_by_id.items()
    }
    return PanopticTruth(segments, classes, labels, things, pictures)


def read_panoptic_results(
    path: Path, truth: PanopticTruth, folder: Path | None = None
) -> tuple[SegmentFile, int]:
    """Read a results file.

    Args:
        path: JSON with "annotations"; if it has "categories", they are matched by name.
        truth: ground truth; all its images need a result.
        folder: folder of the PNG files; by default the path without ".json".

    Returns:
        (segments, number of images without ground truth).

    Raises:
        DataError: an invalid file or record, or an image is missing.
    """
    content = _content(path, "results", ("annotations",))
    results = replace(_segments(content, path, folder), labels=_by_name(content, path, truth))
    lacking = [key for key in truth.segments.index_by_id if key not in results.index_by_id]
    if lacking:
        raise DataError(
            f"{len(lacking)} of {len(truth.segments.index_by_id)} images have no prediction",
            expected=f"a record with image_id {lacking[0]!r}",
            received=f"{len(results.index_by_id)} others" if results.index_by_id else "no record",
            where=f"{path}, annotations",
            fix="for an image without segments write a record with an empty list, and a black PNG",
        )
    return results, len(set(results.index_by_id) - set(truth.segments.index_by_id))


def _by_name(content: Mapping[str, Any], path: Path, truth: PanopticTruth) -> Any:
    """Category id of the results -> class of the annotations, matched by category name."""
    categories = content.get("categories")
    if not categories or not all(
        isinstance(category, dict) and category.get("name") for category in categories
    ):
        return None
    names, labels = read_categories(Records.of(categories, path, "categories"))
    return {
        key: truth.classes.index(names[index])
        for key, index in labels.items()
        if names[index] in truth.classes
    }


def _content(path: Path, what: str, lists: tuple[str, ...]) -> dict[str, Any]:
    content = read_json(path, what)
    if not isinstance(content, dict) or not set(lists) <= set(content):
        raise DataError(
            f"The {what} are not a COCO panoptic file",
            expected=f"an object with {', '.join(lists)}",
            received=f"an object with {', '.join(content) or 'nothing'}"
            if isinstance(content, dict)
            else f"a {type(content).__name__}",
            where=path,
        )
    return content


def _segments(content: Mapping[str, Any], path: Path, folder: Path | None) -> SegmentFile:
    records = Records.of(content["annotations"], path, "annotations")
    ids = records.ids("image_id")
    index_by_id: dict[Id, int] = {}
    for index, (key, name) in enumerate(zip(ids, records.column("file_name"))):
        if key in index_by_id:
            raise records.error(
                index,
                "Two records are of the same image",
                received=f"image_id {key!r}, as {records.where(index_by_id[key])}",
            )
        name_below(name, records.where(index), folder)
        index_by_id[key] = index
    folder = path.with_suffix("") if folder is None else folder
    if not folder.is_dir():
        raise DataError(
            "There is no folder of PNG files",
            expected="a folder with the name of the JSON file",
            where=folder,
            fix="--truth-dir or --predicted-dir DIR",
        )
    return SegmentFile(path, folder, records, index_by_id)


def read_ids(path: Path) -> np.ndarray:
    """Read the segment ids in a PNG file, R + 256 G + 65536 B, (H, W) int32.

    Raises:
        DataError: the file is missing, broken, or does not have three channels of 8 bits.
    """
    values = read_triples(path, exact=True)
    if values.dtype != np.uint8:
        raise DataError(
            "A PNG file holds no segment ids",
            expected="three channels of 8 bits, the id being R + 256 G + 65536 B",
            received=values.dtype,
            where=path,
        )
    red, green, blue = (values[..., channel].astype(np.int32) for channel in range(3))
    return np.asarray(red + 256 * green + 65536 * blue)
