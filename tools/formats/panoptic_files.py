"""Segments in COCO's panoptic format: a JSON file, and a PNG of segment ids for each picture."""

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
    """One side: the segments of each picture.

    Attributes:
        path: the JSON file.
        folder: of the PNG files.
        records: the file's annotations.
        places: image id -> index into `records`.
        labels: category id -> class, of a file that names its categories itself.
    """

    path: Path
    folder: Path
    records: Records
    places: Mapping[Id, int]
    labels: Mapping[Id, int] | None = None

    def png(self, place: int) -> Path:
        """The PNG file of a record, below the folder."""
        name = self.records.items[place]["file_name"]
        return self.folder / name_below(name, self.records.where(place), self.folder)

    def where(self, place: int) -> str:
        """A record and its PNG file, for errors."""
        return f"{self.records.where(place)} and {self.png(place)}"

    def read(self, place: int, labels: Mapping[Id, int]) -> dict[str, Any]:
        """The segments of a picture, as the panoptic metric takes them.

        Args:
            place: index of the record.
            labels: category id -> class, where the file does not say that itself.

        Raises:
            DataError: the record or its PNG is not usable.
        """
        labels = labels if self.labels is None else self.labels
        record = self.records.items[place]
        name = f"{self.records.name}[{place}].segments_info"
        segments = Records.of(record.get("segments_info"), self.path, name)
        ids = segments.numbers("id", least=1.0)
        wrong = np.flatnonzero((ids > _LARGEST) | (ids % 1 != 0))
        if len(wrong):
            raise segments.error(
                int(wrong[0]),
                "A segment has no usable id",
                expected=f"a whole number from 1 to {_LARGEST}",
                received=f"{ids[wrong[0]]:.15g}",
            )
        values, firsts = np.unique(ids, return_index=True)
        if len(values) < len(ids):
            index = int(np.setdiff1d(np.arange(len(ids)), firsts)[0])
            raise segments.error(
                index, "Two segments have the same id", received=f"{ids[index]:.15g}"
            )
        return {
            "map": read_ids(self.png(place)),
            "ids": ids.astype(np.int64),
            "classes": indices(segments, "category_id", labels, "category of the annotations"),
            "crowd": np.array([value in (1, True) for value in segments.column("iscrowd")], bool),
        }


@dataclass(frozen=True)
class PanopticTruth:
    """The annotation file.

    Attributes:
        segments: of each picture.
        classes: names by rising category id.
        labels: category id -> index into `classes`.
        things: the names of the classes of countable objects.
        pictures: image id -> name of its photograph.
    """

    segments: SegmentFile
    classes: list[str]
    labels: Mapping[Id, int]
    things: list[str]
    pictures: Mapping[Id, str]


def read_panoptic_truth(path: Path, folder: Path | None = None) -> PanopticTruth:
    """Read an annotation file.

    Args:
        path: JSON with "annotations" and "categories", each of these with "isthing".
        folder: of the PNG files; by default the path without ".json".

    Raises:
        DataError: the file or a record is not usable.
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
        key: names.get(key, segments.png(place).name) for key, place in segments.places.items()
    }
    return PanopticTruth(segments, classes, labels, things, pictures)


def read_panoptic_results(
    path: Path, truth: PanopticTruth, folder: Path | None = None
) -> tuple[SegmentFile, int]:
    """Read a file of results.

    Args:
        path: JSON with "annotations"; with "categories", ids are those of these by their names.
        truth: each of its pictures must be there.
        folder: of the PNG files; by default the path without ".json".

    Returns:
        (the segments, how many pictures there are that have no truth).

    Raises:
        DataError: the file or a record is not usable, or a picture is missing.
    """
    content = _content(path, "results", ("annotations",))
    found = replace(_segments(content, path, folder), labels=_by_name(content, path, truth))
    lacking = [key for key in truth.segments.places if key not in found.places]
    if lacking:
        raise DataError(
            f"{len(lacking)} of {len(truth.segments.places)} images have no prediction",
            expected=f"a record with image_id {lacking[0]!r}",
            received=f"{len(found.places)} others" if found.places else "no record",
            where=f"{path}, annotations",
            fix="an image in which nothing is found has a record without segments, and a black PNG",
        )
    return found, len(set(found.places) - set(truth.segments.places))


def _by_name(content: Mapping[str, Any], path: Path, truth: PanopticTruth) -> Any:
    """Category id of results -> class of the annotations, by the names that the results give."""
    given = content.get("categories")
    if not given or not all(isinstance(one, dict) and one.get("name") for one in given):
        return None
    names, labels = read_categories(Records.of(given, path, "categories"))
    return {
        key: truth.classes.index(names[place])
        for key, place in labels.items()
        if names[place] in truth.classes
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
    places: dict[Id, int] = {}
    for index, (key, name) in enumerate(zip(ids, records.column("file_name"))):
        if key in places:
            raise records.error(
                index,
                "Two records are of the same image",
                received=f"image_id {key!r}, as {records.where(places[key])}",
            )
        name_below(name, records.where(index), folder)
        places[key] = index
    folder = path.with_suffix("") if folder is None else folder
    if not folder.is_dir():
        raise DataError(
            "There is no folder of PNG files",
            expected="one called as the JSON file",
            where=folder,
            fix="--truth-dir and --predicted-dir name others",
        )
    return SegmentFile(path, folder, records, places)


def read_ids(path: Path) -> np.ndarray:
    """The segment ids in a PNG file, R + 256 G + 65536 B, (H, W) int32.

    Raises:
        DataError: the file is missing, broken or not of three channels of 8 bits.
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
