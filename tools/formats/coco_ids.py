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
    """An image record.

    Attributes:
        id: as in the file.
        key: id for metrics; keys sort as ids do in the COCO evaluation.
        size: (height, width), None if the file does not state it.
        file: file name below the image folder, None if the file does not state it.
    """

    id: Id
    key: str
    size: tuple[int, int] | None
    file: str | None


def read_pictures(images: Records) -> list[Picture]:
    """Read the image records, in the file's order."""
    ids = images.ids("id")
    doubles = [key for key, times in Counter(map(str, ids)).items() if times > 1]
    if doubles:
        index = [str(key) for key in ids].index(doubles[0])
        twin = [str(key) for key in ids].index(doubles[0], index + 1)
        raise images.error(
            twin,
            "Two images have the same id",
            received=f"{ids[twin]!r}, as {images.where(index)}",
        )
    if not ids:
        raise DataError("The file lists no image", where=f"{images.path}, {images.name}")
    keys = [str(key) for key in ids]
    if all(isinstance(key, str) for key in ids):
        ranks = image_ranks(keys)
        if sorted(range(len(keys)), key=keys.__getitem__) != np.argsort(ranks).tolist():
            # The COCO evaluation sorts strings by character ("10" before "9"), our metrics sort
            # strings that look like numbers by value.
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
            "An image has no usable size",
            expected="height and width, whole numbers from 1",
            received=f"height {height!r}, width {width!r}",
        )
    return int(sides[0]), int(sides[1])


def read_categories(categories: Records) -> tuple[list[str], dict[Id, int]]:
    """Read the class names, sorted by category id, and the class index of each id."""
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
    return classes, {key: index for index, (key, _) in enumerate(pairs)}


def indices(records: Records, field: str, index_by_id: Mapping[Id, int], what: str) -> np.ndarray:
    """Look up the ids in a field, (n,) int64 indices; raise DataError for an unknown id."""
    ids = records.ids(field)
    positions = [index_by_id.get(key, -1) for key in ids]
    if -1 in positions:
        index = positions.index(-1)
        key = ids[index]
        swapped: Id | None = str(key) if isinstance(key, int) else _number(key)
        if swapped in index_by_id:
            fix = f"ids are compared as they are written: {key!r} is not {swapped!r}"
        else:
            strange = sum(position < 0 for position in positions)
            fix = (
                f"{strange} of {len(positions)} records have such an id; do the files belong "
                "together?"
            )
        raise records.error(index, f"{field} is no {what}", received=repr(key), fix=fix)
    return np.array(positions, np.int64)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None
