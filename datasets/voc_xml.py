"""One annotation file of PASCAL VOC."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

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


def read_voc_xml(path: Path) -> VocFile:
    """Parse an annotation file.

    Raises:
        DataError: no such file, no XML, or a field is missing or no number.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise DataError(
            f"The annotation cannot be read: {error.strerror or error}", where=path
        ) from error
    except ElementTree.ParseError as error:
        raise DataError(f"The annotation is not valid XML: {error}", where=path) from error
    height, width = (_number(root, f"size/{side}", path, 0.0) for side in ("height", "width"))
    objects = []
    for number, element in enumerate(root.findall("object"), 1):
        where = f"{path}, object {number}"
        name = (element.findtext("name") or "").strip()
        if not name:
            raise DataError("An object has no class name", where=where)
        xmin, ymin, xmax, ymax = (
            _number(element, f"bndbox/{side}", where) for side in ("xmin", "ymin", "xmax", "ymax")
        )
        difficult = _number(element, "difficult", where, 0.0) != 0
        objects.append(VocObject(name, (xmin, ymin, xmax, ymax), difficult))
    size = (int(height), int(width)) if height > 0 and width > 0 else None
    return VocFile((root.findtext("filename") or "").strip(), size, tuple(objects))


def _number(
    element: ElementTree.Element, field: str, where: object, default: float | None = None
) -> float:
    text = element.findtext(field)
    if (text is None or not text.strip()) and default is not None:
        return default
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if value != value or value in (float("inf"), float("-inf")):
        raise DataError(
            f"The field {field!r} is missing or no number", received=repr(text), where=where
        )
    return value
