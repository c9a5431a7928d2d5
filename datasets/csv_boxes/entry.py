"""Rows of a table as objects of images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from densefit.datasets.objects.annotation import ObjectAnnotation
from densefit.datasets.objects.box_format import numbers
from densefit.errors import DataError

from .columns import Columns
from .table import Table

_NUMBER = re.compile(r"[^\s,;\[\](){}'\"]+")
# As spreadsheets write numbers in many countries; "1,234" may be a thousand and is none.
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=(?:\d{1,2}|\d{4,})$)|(?<=^0),(?=\d{3}$)")
_TRUE, _FALSE = ("1", "true", "1.0", "yes"), ("0", "false", "0.0", "no", "-1", "")


@dataclass(frozen=True)
class Entry:
    """A row.

    Attributes:
        image: name of the image.
        split: its split; None if the table has no such column.
        size: (height, width) that is stated; None if it is not.
        object: None if the image has none in this row.
        error: why the row cannot be used.
    """

    image: str
    split: str | None = None
    size: tuple[int, int] | None = None
    object: ObjectAnnotation | None = None
    error: DataError | None = None


def read_entries(table: Table, columns: Columns, only_class: str | None) -> Iterator[Entry]:
    """Read the rows of a table.

    Args:
        table: the table.
        columns: indices of its columns.
        only_class: class of all objects, if there is no such column.

    Raises:
        DataError: a row names no image.
    """
    for line, cells in table.rows:
        where = f"{table.path}, line {line}"
        image = cells[columns.image] if columns.image < len(cells) else ""
        if not image:
            raise DataError("A row of the table names no image", received=cells, where=where)
        split = _cell(cells, columns.split)
        try:
            if len(cells) != columns.count:
                raise DataError(
                    "A row has more or fewer cells than the table has columns",
                    expected=f"{columns.count}, those with a comma within quotes",
                    received=f"{len(cells)}: {','.join(cells)!r:.120}",
                    where=where,
                )
            size = _size(cells, columns, where)
            if table.delimiter == ";" and len(columns.box) > 1:
                cells = [
                    _DECIMAL_COMMA.sub(".", cell) if index in columns.box else cell
                    for index, cell in enumerate(cells)
                ]
            annotation = _object(cells, columns, only_class, where, line)
        except DataError as error:
            yield Entry(image, split, error=error)
            continue
        yield Entry(image, split, size, annotation)


def _cell(cells: Sequence[str], index: int | None) -> str | None:
    return cells[index] if index is not None and index < len(cells) else None


def _object(
    cells: Sequence[str], columns: Columns, only_class: str | None, where: str, line: int
) -> ObjectAnnotation | None:
    """The object of a row; None if it has no box."""
    texts = [cells[index] for index in columns.box]
    if len(texts) == 1:
        texts = _NUMBER.findall(texts[0])
    if not any(texts):
        return None
    if len(texts) != 4:
        raise DataError("A box does not have four numbers", received=f"{texts!r:.120}", where=where)
    box = columns.box_format.box(numbers(texts, where), where)
    name = only_class if columns.label is None else cells[columns.label]
    if not name:
        raise DataError(
            "A box has no class",
            where=where,
            fix="write its name; an image without objects has neither box nor class",
        )
    difficult, crowd = (
        index is not None and _is_true(cells[index], where)
        for index in (columns.difficult, columns.crowd)
    )
    return ObjectAnnotation(name, box, difficult, crowd, where=f"line {line}")


def _is_true(text: str, where: str) -> bool:
    if text.lower() not in (*_TRUE, *_FALSE):
        raise DataError("A flag is neither 0 nor 1", received=f"{text!r:.40}", where=where)
    return text.lower() in _TRUE


def _size(cells: Sequence[str], columns: Columns, where: str) -> tuple[int, int] | None:
    """The stated (height, width); None if it is not."""
    texts = [cells[index] for index in columns.size]
    if not all(texts) or not texts:
        return None
    width, height = numbers(texts, where)
    if not (width.is_integer() and height.is_integer()) or max(width, height) > 1e6:
        raise DataError(
            "The size of an image is not usable",
            expected="width and height in pixels",
            received=f"{texts!r:.80}",
            where=where,
        )
    return (int(height), int(width)) if height > 0 and width > 0 else None


def check_unit(entries: Sequence[Entry], columns: Columns, path: Path, stated: bool) -> None:
    """Raise DataError if all boxes look relative, and nobody says that they are pixels.

    Args:
        entries: rows of the table.
        columns: its columns.
        path: of the table.
        stated: the user states the unit.
    """
    if stated or columns.box_format.is_relative:
        return
    values = [value for entry in entries if entry.object for value in entry.object.box]
    if values and max(values) <= 1 and any(not value.is_integer() for value in values):
        raise DataError(
            "All boxes are smaller than a pixel: they look like parts of the image",
            expected="pixels, or the setting relative=True",
            received=f"{values[:4]} and so on",
            where=path,
            fix="relative=True; or relative=False, if these are pixels",
        )
