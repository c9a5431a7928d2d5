"""Read the predictions and targets of detection metrics as checked columns of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.metrics.core.arrays import index_fix

Columns = dict[str, np.ndarray]

PREDICTION, TRUTH = "prediction", "truth"


def require(part: Any, names: Sequence[str], side: str, where: str) -> None:
    """Raise DataError unless `part` is a mapping that has all these keys.

    Args:
        part: prediction or target of one image.
        names: the keys.
        side: PREDICTION or TRUTH.
        where: the image, for errors.
    """
    keys = part if isinstance(part, Mapping) else {}
    missing = [name for name in names if name not in keys]
    if missing:
        raise DataError(
            f"A {side} lacks {', '.join(missing)}",
            expected=f"a mapping with the keys {', '.join(names)}",
            received=f"keys {', '.join(map(str, part))}" if keys else repr(part)[:80],
            where=where,
        )


def numbers(values: Any, name: str, where: str, dtype: Any = np.float64) -> np.ndarray:
    """Convert to an array. Raises DataError for values that are not numbers."""
    try:
        array = np.asarray(values, dtype)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"The {name} are not numbers", received=f"{values!r}"[:80], where=where
        ) from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"The {name} are not numbers", received=f"{values!r}"[:80], where=where)
    return array


def shaped(values: Any, row: tuple[int, ...], name: str, where: str) -> np.ndarray:
    """Convert to (n, *row) float64; values without elements become (0, *row)."""
    array = numbers(values, name, where)
    if array.size == 0:
        return array.reshape(0, *row)
    if array.shape[1:] != row:
        raise DataError(
            f"The {name} have the wrong shape",
            expected=f"({', '.join(('n', *map(str, row)))})",
            received=f"shape {array.shape}",
            where=where,
        )
    return array


def column_of(
    part: Mapping[str, Any], name: str, count: int, object_name: str, where: str, dtype: Any = None
) -> np.ndarray:
    """Read the column `name`, with a number for each of the `count` objects of an image."""
    array = numbers(part[name], name, where, dtype)
    if array.shape != (count,):
        raise DataError(
            f"{name} does not have one entry for each {object_name}",
            expected=f"shape ({count},)",
            received=f"shape {array.shape}",
            where=where,
        )
    return array


def join(images: Sequence[Columns]) -> Columns:
    """Concatenate the columns of images, and add "image", the index of each row's image."""
    columns = {name: np.concatenate([each[name] for each in images]) for name in images[0]}
    counts = [len(each["classes"]) for each in images]
    columns["image"] = np.repeat(np.arange(len(images)), counts)
    return columns


def drop_unknown_classes(columns: Columns, known_classes: Sequence[Any]) -> Columns:
    """Drop the rows of classes that their image does not annotate.

    Args:
        columns: result of `join`, with checked classes.
        known_classes: for each image (K,) bool, or None if all classes are annotated.
    """
    keep = np.ones(len(columns["classes"]), bool)
    for image, annotated in enumerate(known_classes):
        if annotated is not None:
            rows = columns["image"] == image
            keep[rows] = np.asarray(annotated, bool)[columns["classes"][rows].astype(np.int64)]
    return columns if keep.all() else {name: column[keep] for name, column in columns.items()}


def check_values(
    columns: Columns, classes: int, object_name: str, image_names: Sequence[str]
) -> None:
    """Raise DataError if a number is not finite, or a class is not in 0 .. classes - 1.

    Args:
        columns: result of `join`.
        classes: number of classes.
        object_name: name of an object, for errors.
        image_names: names of the images, for errors.
    """
    for name, column in columns.items():
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            row = int(np.flatnonzero(~np.isfinite(column).reshape(len(column), -1).all(axis=1))[0])
            where = image_names[columns["image"][row]]
            raise DataError(f"The {name} are not all finite numbers", where=where)
    labels = columns["classes"]
    wrong = (labels < 0) | (labels >= classes)
    if labels.dtype.kind == "f":
        wrong |= labels != np.floor(labels)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"A {object_name} has no such class",
            expected=f"0 to {classes - 1}",
            received=labels[row].item(),
            where=image_names[columns["image"][row]],
            fix=index_fix(labels, classes, "correct the class, or the number of classes"),
        )


def check_sides(sides: np.ndarray, columns: Columns, image_names: Sequence[str]) -> None:
    """Raise DataError if a box has a negative width or height.

    Args:
        sides: (n, 2) float64, widths and heights.
        columns: columns of `join`, to find the image.
        image_names: names of the images, for errors.
    """
    negative = (sides < 0).any(axis=1)
    if negative.any():
        row = int(negative.argmax())
        raise DataError(
            "A box has its right edge left of its left one, or its bottom above its top",
            expected='"boxes" x1, y1, x2, y2, or "bbox" x, y, width, height, in pixels',
            received=f"width {sides[row, 0]:g}, height {sides[row, 1]:g}",
            where=image_names[columns["image"][row]],
            fix='are these "boxes" (x, y, width, height)? call them "bbox"',
        )
