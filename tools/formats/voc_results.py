"""Detections in the files of the PASCAL VOC devkit: one text file for each class."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from densefit.datasets.files.text_file import read_text
from densefit.errors import DataError
from densefit.registry import nearest

# comp3_det_test_car.txt, det_val_car.txt
_NAME = re.compile(r"(?:comp\d+_)?det_[^_]+_(.+)")
_LINE = "image score x1 y1 x2 y2, in pixels from 1, the last one included"

VOC_CLASSES = (
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike "
    "person pottedplant sheep sofa train tvmonitor"
).split()


@dataclass(frozen=True)
class ClassFile:
    """The detections of one class.

    Attributes:
        path: the file.
        images: (m,) ids, in the file's order.
        scores: (m,) float64; of equal ones the first in the file is raised by the smallest step
            there is, so that they stay in the file's order wherever they are sorted.
        boxes: (m, 4) float64 x1, y1, x2, y2, as in the file.
    """

    path: Path
    images: list[str]
    scores: np.ndarray
    boxes: np.ndarray


def find_files(
    place: Path, classes: Collection[str], more: Callable[[], Collection[str]] = tuple
) -> dict[str, Path]:
    """The file of each class.

    Args:
        place: a folder of files `comp4_det_test_<class>.txt` (or `<class>.txt`), or one file.
        classes: those known.
        more: gives further ones, and is asked if they do not suffice.

    Raises:
        DataError: there is no such file, one is of an unknown class, or a class has two.
    """
    if place.is_dir():
        paths = sorted(place.glob("*.txt"))
    elif place.is_file():
        paths = [place]
    else:
        raise DataError("There is no such file or folder", where=place)
    found: dict[str, Path] = {}
    for path in paths:
        match = _NAME.fullmatch(path.stem)
        name = match.group(1) if match and path.stem not in classes else path.stem
        if name not in classes:
            classes = {*classes, *more()}
        if name not in classes:
            raise DataError(
                f"A file of results is of the unknown class {name!r}",
                expected="comp4_det_test_<class>.txt",
                where=path,
                fix=f"{nearest(name, classes)}; --class-names FILE says others",
            )
        if name in found:
            raise DataError(
                f"The class {name!r} has two files of results",
                received=f"{found[name].name} and {path.name}",
                where=place,
                fix="put those of one system and one list into a folder",
            )
        found[name] = path
    if not found:
        raise DataError(
            "There are no files of results", expected="comp4_det_test_<class>.txt", where=place
        )
    return found


def read_class(path: Path, images: Collection[str], known: str) -> ClassFile:
    """Read the detections of one class.

    Args:
        path: a file with lines "image score x1 y1 x2 y2".
        images: the ids that are scored.
        known: what these are, for errors.

    Raises:
        DataError: the file cannot be read, or a line is not usable; it says which.
    """
    lines = read_text(path, "The results").splitlines()
    rows = [(number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]
    try:
        values = np.array([words[1:] for _, words in rows], np.float64).reshape(-1, 5)
    except ValueError:
        values = np.full((0, 5), np.nan)
    usable = len(values) == len(rows) and all(len(words) == 6 for _, words in rows)
    if not usable or not np.isfinite(values).all():
        _raise_line(path, rows)
    for number, words in rows:
        if words[0] not in images:
            close = difflib.get_close_matches(words[0], images, n=1)
            raise DataError(
                f"{words[0]!r} is not among {known}",
                where=f"{path}, line {number}",
                fix=f"did you mean {close[0]!r}?" if close else None,
            )
    boxes = values[:, 1:]
    turned = np.flatnonzero((boxes[:, 2:] < boxes[:, :2]).any(axis=1))
    if len(turned):
        raise DataError(
            "A box has its corners in the wrong order",
            expected=_LINE,
            received=" ".join(rows[turned[0]][1]),
            where=f"{path}, line {rows[turned[0]][0]}",
            fix="is it x y width height? convert it",
        )
    return ClassFile(path, [words[0] for _, words in rows], in_order(values[:, 0]), boxes)


def _raise_line(path: Path, rows: Sequence[tuple[int, list[str]]]) -> None:
    """Raise DataError about the first line that is none."""
    for number, words in rows:
        try:
            numbers = [float(word) for word in words[1:]]
        except ValueError:
            numbers = []
        if len(numbers) != 5 or not np.isfinite(numbers).all():
            raise DataError(
                "A line is no detection",
                expected=_LINE,
                received=" ".join(words)[:80],
                where=f"{path}, line {number}",
            )


def in_order(scores: np.ndarray) -> np.ndarray:
    """Scores without equals: of equal ones the first is the highest, by the smallest steps.

    The devkit sorts the detections of a class over all images at once, and equal scores stay in
    the order of the file. A metric that looks at image after image cannot know that order.

    >>> in_order(np.array([0.5, 0.5, 0.25])) - [0.5, 0.5, 0.25] > 0
    array([ True, False, False])
    """
    values = np.asarray(scores, np.float64)
    order = np.argsort(-values, kind="stable")[::-1]  # rising, of equals the last first
    # The bits of doubles, read as whole numbers, rise as they do; negative ones are turned round.
    bits = _turned(values[order].view(np.int64))
    steps = np.arange(len(bits))
    raised = np.empty_like(values)
    raised[order] = _turned(np.maximum.accumulate(bits - steps) + steps).view(np.float64)
    return raised


def _turned(bits: np.ndarray) -> np.ndarray:
    return np.where(bits < 0, np.iinfo(np.int64).min - bits, bits)


def by_image(
    files: Sequence[ClassFile], labels: Sequence[int], images: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The detections of each image, as the VOC metric takes them.

    Args:
        files: of the classes.
        labels: class index of each file.
        images: all ids that are scored.
    """
    places = {key: place for place, key in enumerate(images)}
    owner = np.array([places[key] for file in files for key in file.images], np.int64)
    counts = [len(file.images) for file in files]
    columns = {
        "boxes": np.concatenate([np.zeros((0, 4)), *(file.boxes for file in files)]),
        "scores": np.concatenate([np.zeros(0), *(file.scores for file in files)]),
        "classes": np.repeat(np.array(labels, np.int64), counts),
    }
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(len(images) + 1))
    return {
        key: {name: column[order[first:last]] for name, column in columns.items()}
        for key, first, last in zip(images, bounds, bounds[1:])
    }
