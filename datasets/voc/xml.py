"""One annotation file of PASCAL VOC."""

from __future__ import annotations

import math
import os
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from densefit.datasets.files.numbers import number
from densefit.datasets.files.xml_file import read_xml
from densefit.errors import DataError


@dataclass(frozen=True)
class VocObject:
    """One annotated object: its class, its corners as written, and the difficult flag."""

    name: str
    corners: tuple[float, float, float, float]
    difficult: bool


@dataclass(frozen=True)
class VocFile:
    """What a file says: the picture's name and (height, width), "" and None if it does not."""

    filename: str
    size: tuple[int, int] | None
    objects: tuple[VocObject, ...]


def annotations_by_stem(folder: Path) -> dict[str, list[str]]:
    """Paths of all XML files in a folder and below it, by their path without extension, sorted."""
    paths: dict[str, list[str]] = {}
    for directory, _, names in os.walk(folder):
        below = os.path.relpath(directory, folder)
        for name in sorted(names):
            stem, ending = os.path.splitext(name)
            if ending.lower() == ".xml" and not name.startswith("."):
                path = Path(below, name).as_posix()
                paths.setdefault(path[: -len(ending)], []).append(path)
    return dict(sorted(paths.items()))


def read_voc_xml(path: Path) -> VocFile:
    """Parse an annotation file.

    Corners may be nan or infinite, and in any order: see `densefit.datasets.files.boxes.box_fault`.

    Raises:
        DataError: no such file, no XML, or a field is missing or no number.
    """
    root = read_xml(path)
    height, width = (_side(root, side, path) for side in ("height", "width"))
    objects = []
    for count, element in enumerate(root.findall("object"), 1):
        where = f"{path}, object {count}"
        name = (element.findtext("name") or "").strip()
        if not name:
            raise DataError("An object has no class name", where=where)
        xmin, ymin, xmax, ymax = (
            _number(element, f"bndbox/{side}", where) for side in ("xmin", "ymin", "xmax", "ymax")
        )
        difficult = _number(element, "difficult", where, 0.0)
        if not math.isfinite(difficult):
            raise _no_number("difficult", element.findtext("difficult"), where)
        objects.append(VocObject(name, (xmin, ymin, xmax, ymax), difficult != 0))
    size = (height, width) if height > 0 and width > 0 else None
    return VocFile((root.findtext("filename") or "").strip(), size, tuple(objects))


def _number(
    element: ElementTree.Element, field: str, where: object, default: float | None = None
) -> float:
    text = element.findtext(field)
    if (text is None or not text.strip()) and default is not None:
        return default
    try:
        return number(text or "")
    except ValueError:
        raise _no_number(field, text, where) from None


def _side(root: ElementTree.Element, side: str, where: object) -> int:
    """Pixels of a side of the picture; 0 if the file does not say."""
    field = f"size/{side}"
    value = _number(root, field, where, 0.0)
    if not value.is_integer():
        raise _no_number(field, root.findtext(field), where)
    return int(value)


def _no_number(field: str, text: str | None, where: object) -> DataError:
    return DataError(
        f"The field {field!r} is missing or no number", received=f"{text!r:.80}", where=where
    )
