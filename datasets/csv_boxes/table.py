"""The cells of a CSV file."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from densefit.datasets.files.numbers import number
from densefit.datasets.files.pictures import is_picture
from densefit.datasets.files.text_file import read_text
from densefit.errors import ConfigError, DataError

_MARKS = ",;\t"


@dataclass(frozen=True)
class Table:
    """A CSV file.

    Attributes:
        path: the file.
        header: names of the columns; None if the file has none.
        rows: (line, cells) of each row that is not empty.
        delimiter: between cells.
    """

    path: Path
    header: list[str] | None
    rows: list[tuple[int, list[str]]]
    delimiter: str = ","


def read_table(path: Path, delimiter: str | None = None) -> Table:
    """Read a CSV file; a first row with a number or the name of an image is no header.

    Args:
        path: the file.
        delimiter: a character between cells; None: a comma, semicolon or tab, whichever divides the
            first row into most cells.

    Raises:
        ConfigError: the delimiter is no single character.
        DataError: the file cannot be read, or has no rows.
    """
    text = read_text(path, "The table")
    if "\0" in text:
        raise DataError(
            "The table is no text", received=f"a zero byte at {text.index(chr(0))}", where=path
        )
    if delimiter is None:
        delimiter = max(_MARKS, key=lambda mark: len(_first_row(text, mark)))
    elif not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '\r\n"':
        raise ConfigError(
            "A delimiter is a single character", received=repr(delimiter), where="delimiter"
        )
    rows = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise DataError(
            f"The table cannot be read: {error}", where=f"{path}, line {reader.line_num}"
        ) from error
    if not rows:
        raise DataError("The table is empty", where=path)
    if any(_is_value(cell) for cell in rows[0][1]):
        return Table(path, None, rows, delimiter)
    if len(rows) == 1:
        raise DataError("The table has no rows", received="its header alone", where=path)
    return Table(path, rows[0][1], rows[1:], delimiter)


def _first_row(text: str, mark: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=mark), [])
    except csv.Error:
        return []


def _is_value(cell: str) -> bool:
    """Whether a cell is no name of a column."""
    try:
        number(cell)
    except ValueError:
        return is_picture(cell.replace("\\", "/").rpartition("/")[2])
    return True
