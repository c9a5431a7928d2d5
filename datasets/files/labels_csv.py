"""Classes of pictures out of a table: a line a picture, a column for its id, one for its class."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from densefit.errors import DataError
from densefit.registry import nearest

from .pictures import is_picture
from .text_file import read_text

_KEYS = ("id", "image_id", "image", "filename", "file_name")


def read_labels(path: Path, column: str, key: str = "id") -> dict[str, str]:
    """The class of each picture by its id; pictures whose field is empty are left out.

    Fields are apart by commas, or by semicolons or tabs, if the first line has no such columns by
    commas. An id may have a picture's ending, which is left out.

    Args:
        path: the file, with the columns' names in its first line.
        column: where the class is.
        key: where the picture's id is; "id" may also be called ID, image_id, image, filename or
            file_name, if one column is.

    Raises:
        DataError: the file cannot be read, lacks a column, or has an id twice.
    """
    text = read_text(path, "The table")
    try:
        comma = _delimiter(text, column)
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=comma)
        columns = list(reader.fieldnames or ())
        rows = list(reader)
    except csv.Error as error:
        raise DataError(f"The table cannot be read: {error}", where=path) from error
    id_columns = [name for name in columns if name.strip().lower() in _KEYS and name != column]
    if key == "id" and key not in columns and len(id_columns) == 1:
        key = id_columns[0]
    for name in (key, column):
        if columns.count(name) > 1:
            raise DataError(f"The table has {columns.count(name)} columns {name!r}", where=path)
        if name not in columns:
            raise DataError(
                f"The table has no column {name!r}", where=path, fix=nearest(name, columns)
            )
    labels: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        if None in row:
            raise DataError(
                "A line of the table has more fields than the table has columns",
                expected=f"{len(columns)} fields, those with a comma within quotes",
                received=f"{len(columns) + len(row[None])}",
                where=f"{path}, entry {number}",
            )
        picture, label = (row[key] or "").strip(), (row[column] or "").strip()
        if is_picture(os.path.basename(picture)):
            picture = os.path.splitext(picture)[0]
        if picture in labels:
            raise DataError(f"{picture!r} has two lines", where=f"{path}, line {number}")
        if label:
            labels[picture] = label
    if not labels:
        raise DataError(f"The column {column!r} is empty", where=path)
    return labels


def _delimiter(text: str, column: str) -> str:
    """What the fields are apart by: a comma, unless only another mark gives the wanted column."""
    lines = text.splitlines()[:1]
    delimiters = [mark for mark in ",;\t" if column in next(csv.reader(lines, delimiter=mark), [])]
    return delimiters[0] if len(delimiters) == 1 else ","
