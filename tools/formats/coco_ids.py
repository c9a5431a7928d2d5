"""Images and categories of COCO files by id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.metrics.detection.image_ranks import image_ranks

from .json_records import Id, Records


@dataclass(frozen=True)
class Picture:
    """A picture of the file.

    Attributes:
        id: as in the file.
        key: its id for metrics, whose order is the order of the ids in the COCO evaluation.
        size: (height, width), None if the file does not say.
        file: its name below the folder of pictures, None if the file does not say.
    """

    id: Id
    key: str
    size: tuple[int, int] | None
    file: str | None


def read_pictures(images: Records) -> list[Picture]:
    """The pictures in the file's order."""
    ids = images.ids("id")
    doubles = [key for key, times in Counter(map(str, ids)).items() if times > 1]
    if doubles:
        index = [str(key) for key in ids].index(doubles[0])
        twin = [str(key) for key in ids].index(doubles[0], index + 1)
        raise images.error(
            twin,
            "Two pictures have the same id",
            received=f"{ids[twin]!r}, as {images.where(index)}",
        )
    if not ids:
        raise DataError("The file names no picture", where=f"{images.path}, {images.name}")
    keys = [str(key) for key in ids]
    if all(isinstance(key, str) for key in ids):
        places = image_ranks(keys)
        if sorted(range(len(keys)), key=keys.__getitem__) != np.argsort(places).tolist():
            # The COCO evaluation orders texts letter by letter ("10" before "9"), metrics order
            # what looks like a number by its value.
            keys = [f"id {key}" for key in keys]
    files = [name if isinstance(name, str) else None for name in images.column("file_name")]
    return [
        Picture(id_, key, _size(images, index), file)
        for index, (id_, key, file) in enumerate(zip(ids, keys, files))
    ]


def _size(images: Records, index: int) -> tuple[int, int] | None:
    height, width = (images.items[index].get(side) for side in ("height", "width"))
    if height is None and width is None:
        return None
    sides: list[Any] = [height, width]
    if any(type(side) not in (int, float) or side % 1 != 0 or side < 1 for side in sides):
        raise images.error(
            index,
            "A picture has no usable size",
            expected="height and width, whole numbers from 1",
            received=f"height {height!r}, width {width!r}",
        )
    return int(sides[0]), int(sides[1])


def read_categories(categories: Records) -> tuple[list[str], dict[Id, int]]:
    """Class names by rising category id, and the index of each id."""
    ids = categories.ids("id")
    names = categories.column("name")
    seen: set[Id] = set()
    for index, (key, name) in enumerate(zip(ids, names)):
        if not isinstance(name, str) or not name:
            raise categories.error(index, "A category has no name", received=repr(name))
        if key in seen:
            raise categories.error(index, "Two categories have the same id", received=repr(key))
        seen.add(key)
    if not ids:
        raise DataError("The file has no category", where=f"{categories.path}, categories")
    times = Counter(names)
    pairs = sorted(zip(ids, names), key=lambda pair: (isinstance(pair[0], str), pair[0]))
    classes = [name if times[name] == 1 else f"{name} (id {key})" for key, name in pairs]
    return classes, {key: place for place, (key, _) in enumerate(pairs)}


def indices(records: Records, field: str, known: Mapping[Id, int], what: str) -> np.ndarray:
    """Indices that an id field refers to, (n,) int64. Raises DataError for an unknown id."""
    ids = records.ids(field)
    found = [known.get(key, -1) for key in ids]
    if -1 in found:
        index = found.index(-1)
        key = ids[index]
        swapped: Id | None = str(key) if isinstance(key, int) else _number(key)
        if swapped in known:
            fix = f"ids are compared as they are written: {key!r} is not {swapped!r}"
        else:
            strange = sum(place < 0 for place in found)
            fix = f"{strange} of {len(found)} records are so; do the two files belong together?"
        raise records.error(index, f"{field} is no {what}", received=repr(key), fix=fix)
    return np.array(found, np.int64)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None
