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
        images: (m,) image ids, in the file's order.
        scores: (m,) float64; ties are broken by the smallest possible steps, so that sorting keeps
            the file's order.
        boxes: (m, 4) float64 x1, y1, x2, y2, as in the file.
    """

    path: Path
    images: list[str]
    scores: np.ndarray
    boxes: np.ndarray


def find_files(
    source: Path, classes: Collection[str], more: Callable[[], Collection[str]] = tuple
) -> dict[str, Path]:
    """Find the file of each class.

    Args:
        source: a folder of files `comp4_det_test_<class>.txt` (or `<class>.txt`), or one file.
        classes: valid class names.
        more: returns further class names; called only for a file of another class.

    Raises:
        DataError: no file, a file of an unknown class, or two files of a class.
    """
    if source.is_dir():
        paths = sorted(source.glob("*.txt"))
    elif source.is_file():
        paths = [source]
    else:
        raise DataError("There is no such file or folder", where=source)
    by_class: dict[str, Path] = {}
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
                fix=f"{nearest(name, classes)}; or list the classes in --class-names FILE",
            )
        if name in by_class:
            raise DataError(
                f"The class {name!r} has two files of results",
                received=f"{by_class[name].name} and {path.name}",
                where=source,
                fix="keep the results of one system and one split in a folder of their own",
            )
        by_class[name] = path
    if not by_class:
        raise DataError(
            "There are no files of results", expected="comp4_det_test_<class>.txt", where=source
        )
    return by_class


def read_class(path: Path, images: Collection[str], listed_as: str) -> ClassFile:
    """Read the detections of one class.

    Args:
        path: a file with lines "image score x1 y1 x2 y2".
        images: image ids that are scored.
        listed_as: description of the images, for errors.

    Raises:
        DataError: an unreadable file, or an invalid line.
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
                f"{words[0]!r} is not among {listed_as}",
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
    """Raise DataError about the first line that is not a detection."""
    for number, words in rows:
        try:
            numbers = [float(word) for word in words[1:]]
        except ValueError:
            numbers = []
        if len(numbers) != 5 or not np.isfinite(numbers).all():
            raise DataError(
                "A line is not a detection",
                expected=_LINE,
                received=" ".join(words)[:80],
                where=f"{path}, line {number}",
            )


def in_order(scores: np.ndarray) -> np.ndarray:
    """Break ties between scores by the smallest possible steps, so that the first is highest.

    The devkit sorts the detections of a class over all images at once, and equal scores stay in
    the order of the file. A metric that is updated image by image does not know that order.

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
    """Group detections by image, in the form that the VOC metric takes.

    Args:
        files: detections of each class.
        labels: class index of each file.
        images: ids of all scored images.
    """
    index_by_id = {key: index for index, key in enumerate(images)}
    owner = np.array([index_by_id[key] for file in files for key in file.images], np.int64)
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
