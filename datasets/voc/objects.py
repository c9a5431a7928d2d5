"""Boxes of VOC's objects in continuous coordinates, checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from densefit.datasets.files.boxes import BoxCheck, box_fault, clip_box
from densefit.datasets.files.names import class_index

from .xml import VocFile, VocObject

Box = tuple[float, float, float, float]


def usable_objects(
    file: VocFile,
    size: tuple[int, int],
    classes: Sequence[str],
    one_based: bool,
    check: BoxCheck,
    path: Path,
) -> list[tuple[Box, int, bool, int]]:
    """(box, class, difficult, number in the file from 1) of the usable objects of a file.

    Args:
        file: content of the annotation file.
        size: (height, width) of the image.
        classes: class names.
        one_based: see `VOC`.
        check: what becomes of others.
        path: of the file, for errors.

    Raises:
        DataError: a class is unknown, or the check refuses bad boxes.
    """
    usable = []
    for number, entry in enumerate(file.objects, 1):
        label = class_index(entry.name, classes, path)
        box, reason = _box(entry, one_based)
        reason = reason or box_fault(box, size)
        if reason:
            check.reject(reason, entry.corners, path)
        else:
            clipped = clip_box(box, *size)
            check.note_cut(box, clipped, size, path)
            usable.append((clipped, label, entry.difficult, number))
    return usable


def _box(entry: VocObject, one_based: bool) -> tuple[Box, str]:
    """The box in continuous coordinates, and its fault ("" if there is none)."""
    xmin, ymin, xmax, ymax = entry.corners
    first = 1.0 if one_based else 0.0
    box = (xmin - first, ymin - first, xmax, ymax)
    if xmax < xmin or ymax < ymin:
        return box, "has its corners in the wrong order"
    if (xmin, ymin) == (xmax, ymax):
        return box, "has no area"
    return box, ""
