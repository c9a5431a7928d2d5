"""Classes of pictures out of a table: a line a picture, a column for its id, one for its class."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from densefit.errors import DataError
from densefit.registry import nearest

from .text_file import read_text


def read_labels(path: Path, column: str, key: str = "id") -> dict[str, str]:
    """The class of each picture by its id; pictures whose field is empty are left out.

    Args:
        path: the file, with the columns' names in its first line.
        column: where the class is.
        key: where the picture's id is.

    Raises:
        DataError: the file cannot be read, lacks a column, or has an id twice.
    """
    text = read_text(path, "The table")
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        columns = list(reader.fieldnames or ())
        rows = list(reader)
    except csv.Error as error:
        raise DataError(f"The table cannot be read: {error}", where=path) from error
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
        if picture in labels:
            raise DataError(f"{picture!r} has two lines", where=f"{path}, line {number}")
        if label:
            labels[picture] = label
    if not labels:
        raise DataError(f"The column {column!r} is empty", where=path)
    return labels
