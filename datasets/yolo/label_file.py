"""Label files of YOLO: an object a line, in parts of the image's width and height."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from densefit.datasets.files.numbers import number
from densefit.datasets.files.text_file import read_text
from densefit.datasets.objects.annotation import ObjectAnnotation
from densefit.datasets.objects.polygon import extent, polygon_area
from densefit.datasets.objects.relative import check_relative
from densefit.errors import DataError

#: Number of keypoints, and of values a keypoint: 2 (x, y) or 3 (x, y, visibility).
KeypointShape = tuple[int, int]

_BOX = 4  # values
_TRIANGLE = 6
_SEEN = 2.0


def read_labels(
    path: Path, names: Mapping[int, str], keypoints: KeypointShape | None = None
) -> list[ObjectAnnotation]:
    """Objects of a label file; repeated lines have a fault.

    Args:
        path: the file.
        names: class number -> class name.
        keypoints: shape of the keypoints behind each box; None if there are none.

    Raises:
        DataError: the file cannot be read, or a line is not a label.
    """
    objects: list[ObjectAnnotation] = []
    rows: set[tuple[float, ...]] = set()
    for line, text in enumerate(read_text(path, "The label file").splitlines(), 1):
        words = text.split()
        if not words:
            continue
        row = _numbers(words, f"{path}, line {line}")
        entry = _label(row, names, keypoints, path, line)
        if row in rows:
            entry = replace(entry, fault="repeats an earlier line")
        rows.add(row)
        objects.append(entry)
    return objects


def _numbers(words: Sequence[str], where: str) -> tuple[float, ...]:
    """Numbers of a line. Raises DataError if a word is none."""
    row = []
    for word in words:
        try:
            row.append(number(word))
        except ValueError:
            raise DataError(
                f"A label is not a line of numbers: {word!r:.40} is no number",
                expected="a class number and coordinates, with blanks between: 0 0.5 0.5 0.2 0.1",
                received=f"{' '.join(words)!r:.120}",
                where=where,
            ) from None
    return tuple(row)


def _label(
    row: tuple[float, ...],
    names: Mapping[int, str],
    keypoints: KeypointShape | None,
    path: Path,
    line: int,
) -> ObjectAnnotation:
    """The object of a line: a box, a box with keypoints, or a polygon."""
    where, values = f"{path}, line {line}", row[1:]
    name = names.get(int(row[0])) if row[0].is_integer() else None
    if name is None:
        raise DataError(
            f"A label has a class number without a name: {row[0]:.12g}",
            expected=f"one of {min(names)} to {max(names)}, the numbers of {len(names)} names",
            where=where,
            fix="correct the number, or name the class in data.yaml (classes.txt, obj.names)",
        )
    points = None
    polygon: tuple[float, ...] = ()
    if keypoints is not None and len(values) == _BOX + keypoints[0] * keypoints[1]:
        points = _keypoints(values[_BOX:], keypoints, where)
    elif keypoints is None and len(values) >= _TRIANGLE and len(values) % 2 == 0:
        polygon = values
    elif len(values) != _BOX:
        raise _wrong_length(len(row), keypoints, where)
    check_relative(polygon or values[:_BOX], where)
    position = f"line {line}"
    if polygon:
        return ObjectAnnotation(
            name,
            extent(polygon),
            area=polygon_area(polygon),
            segmentation=[list(polygon)],
            where=position,
        )
    x, y, width, height = values[:_BOX]
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return ObjectAnnotation(name, box, keypoints=points, where=position)


def _keypoints(values: Sequence[float], shape: KeypointShape, where: str) -> np.ndarray:
    """(K, 3) float32 x, y and visibility; (0, 0, 0) where not labelled or outside of the image."""
    points = np.array(values, np.float64).reshape(shape)
    positions = points[:, :2]
    if shape[1] == 2:
        visibility = np.where((positions == 0).all(axis=1), 0.0, _SEEN)
    else:
        visibility = points[:, 2]
        if not np.isin(visibility, (0, 1, 2)).all():
            raise DataError(
                "A keypoint has another visibility than 0, 1 or 2",
                received=visibility.tolist(),
                where=where,
                fix="see `kpt_shape`: [number of keypoints, 2 or 3 values each]",
            )
    inside = ((positions >= 0) & (positions <= 1)).all(axis=1)  # also false for nan
    labelled = inside & (visibility > 0)
    points = np.concatenate([positions, visibility[:, None]], axis=1)
    return np.where(labelled[:, None], points, 0.0).astype(np.float32)


def _wrong_length(length: int, keypoints: KeypointShape | None, where: str) -> DataError:
    """The error of a line that is neither a box nor a polygon."""
    if keypoints is not None:
        count = 1 + _BOX + keypoints[0] * keypoints[1]
        expected = f"5 values, or {count} with kpt_shape {list(keypoints)}"
    else:
        expected = "class x y width height, or class x1 y1 x2 y2 x3 y3 ... of a polygon"
    fix = "lines with a sixth value, the confidence, are predictions" if length == 6 else None
    return DataError(
        "A label does not have the number of values of a box, a polygon or keypoints",
        expected=expected,
        received=f"{length} values",
        where=where,
        fix=fix,
    )
