"""Boxes of BDD100K's JSON files: one of a whole split, or one a picture."""

from __future__ import annotations

import math
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from densefit.data.io.regular_file import read_regular
from densefit.datasets.files.json_file import read_json
from densefit.datasets.files.json_lists import UnusualJsonError, read_lists
from densefit.datasets.files.numbers import number
from densefit.datasets.files.pictures import files_below
from densefit.datasets.files.text_file import MOST_BYTES
from densefit.datasets.objects import ObjectAnnotation
from densefit.datasets.objects.left_out import LeftOut
from densefit.errors import DataError

#: The classes of the detection benchmark, in its order.
CLASSES = (
    *("pedestrian", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"),
    *("traffic light", "traffic sign"),
)
#: Names of the first release -> those of the benchmark.
_FORMER = {"person": "pedestrian", "motor": "motorcycle", "bike": "bicycle"}

Objects = list[ObjectAnnotation]
#: Name of a picture without extension, its file of boxes, and its objects or what is wrong.
Frame = tuple[str, Path, Objects | DataError]


def frames(path: Path, left_out: LeftOut) -> Iterator[Frame]:
    """The frames of a split.

    Args:
        path: JSON file of a split (`labels/det_20/det_train.json`), or folder of a file a picture.
        left_out: counts objects of other classes.

    Raises:
        DataError: the file of a split cannot be read, or is no list of frames.
    """
    if not path.is_dir():
        yield from _frames_of_file(path, left_out)
        return
    for name in files_below(path, ".json"):
        file = path / name
        try:
            yield file.stem, file, _objects_of_file(file, left_out)
        except DataError as error:
            yield file.stem, file, error


def _frames_of_file(path: Path, left_out: LeftOut) -> list[Frame]:
    """The frames of one file; its JSON, of which there is much, is not all in memory at once."""
    data = read_regular(path, MOST_BYTES, what="The annotations")
    result: list[Frame] = []

    def add(pieces: list[Any]) -> None:
        for piece in pieces:
            result.append(_frame(piece, path, len(result), left_out))

    try:
        read_lists(b'{"frames":' + data.removeprefix(BOM_UTF8) + b"}", {"frames": add})
    except UnusualJsonError:
        content = read_json(path)
        if isinstance(content, list):  # of an unusual form, such as UTF-16
            result.clear()
            left_out.counts.clear()
            add(content)
    if not result:
        raise DataError(
            "The annotations are no list of frames",
            expected='[{"name": "a.jpg", "labels": [...]}, ...]',
            received=f"{data[:100]!r}",
            where=path,
        )
    return result


def _frame(content: Any, path: Path, index: int, left_out: LeftOut) -> Frame:
    where = f"{path}, frame {index}"
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        raise DataError(
            "A frame has no name",
            expected='{"name": "a.jpg", "labels": [...]}',
            received=f"{content!r:.120}",
            where=where,
        )
    name = Path(content["name"]).stem
    try:
        return name, path, _objects(content.get("labels"), where, left_out)
    except DataError as error:
        return name, path, error


def _objects_of_file(path: Path, left_out: LeftOut) -> Objects:
    """Objects of a file with one frame, as those of the first release."""
    content = read_json(path)
    frame = content["frames"][0] if _has_frame(content) else None
    if not isinstance(frame, dict):
        raise DataError(
            "An annotation file has no frame",
            expected='{"frames": [{"objects": [...]}]}',
            received=f"{content!r:.120}",
            where=path,
        )
    return _objects(frame.get("objects"), path, left_out)


def _has_frame(content: Any) -> bool:
    listed = content.get("frames") if isinstance(content, dict) else None
    return isinstance(listed, list) and bool(listed)


def _objects(labels: Any, where: object, left_out: LeftOut) -> Objects:
    """Objects out of the labels of a frame; those without a box, as lanes, are none."""
    if labels is None:
        return []
    if not isinstance(labels, list) or not all(isinstance(label, dict) for label in labels):
        raise DataError(
            "The labels of a frame are no list of objects", received=f"{labels!r:.120}", where=where
        )
    objects = []
    for position, label in enumerate(labels):
        if label.get("box2d") is None:
            continue
        at = f"{where}, label {position}"
        name = label.get("category")
        if not isinstance(name, str):
            raise DataError("A label has no category", received=f"{label!r:.120}", where=at)
        name = _FORMER.get(name, name)
        if name in CLASSES:
            objects.append(ObjectAnnotation(name, _box(label["box2d"], at), where=at))
        else:
            left_out.add(name, at)
    return objects


def _box(values: Any, where: str) -> tuple[float, float, float, float]:
    """The corners of a box."""
    names = ("x1", "y1", "x2", "y2")
    try:
        if not isinstance(values, Mapping):
            raise ValueError("no corners")
        x1, y1, x2, y2 = (number(values[name]) for name in names)
        if not all(map(math.isfinite, (x1, y1, x2, y2))):
            raise ValueError("not finite")
    except (ValueError, KeyError) as error:
        raise DataError(
            "A box has no corners that are numbers",
            expected=f'"box2d": {{{", ".join(names)}}}',
            received=f"{values!r:.120}",
            where=where,
        ) from error
    return x1, y1, x2, y2
