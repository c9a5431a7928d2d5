"""Tables of colours of classes: settings of a recipe, and files of annotation tools."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.errors import ConfigError, DataError

from .json_file import read_json
from .names import read_lines

Color = tuple[int, int, int]
#: Class name -> its colour or colours, or a file with such a table.
Colors = Mapping[str, Any] | str

#: Files of public tools and data sets that hold such a table.
TABLES = ("class_dict.csv", "label_colors.txt", "labelmap.txt", "obj_class_to_machine_color.json")

_HEX = re.compile(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_SEPARATED = re.compile(r"\s*(\d{1,3})\s*[,\s]\s*(\d{1,3})\s*[,\s]\s*(\d{1,3})\s*")
#: `r g b name` (CamVid), `name:r,g,b:parts:actions` (CVAT), `name,r,g,b`, `name,#rrggbb`.
_LINES = (
    re.compile(r"(?P<color>\d{1,3}[,\s]+\d{1,3}[,\s]+\d{1,3})[,\s]+(?P<name>.*\S)"),
    re.compile(
        r"(?P<name>.*[^\s,;:])\s*[,;:\s]\s*(?P<color>\d{1,3}[,\s]+\d{1,3}[,\s]+\d{1,3})(:.*)?"
    ),
    re.compile(r"(?P<name>.*[^\s,;:])\s*[,;:\s]\s*(?P<color>#[0-9a-fA-F]{6})(:.*)?"),
)
_NAMES = ("name", "class", "label", "class_name", "classes")
_CHANNELS = (("r", "red"), ("g", "green"), ("b", "blue"))


def color_table(colors: Colors, root: Path) -> dict[str, list[Color]]:
    """Class name -> its colours, in the order of the table.

    A file has JSON ({name: colour}), or a class a line, as CamVid's label_colors.txt
    (`64 128 64 Animal`), class_dict.csv (`name,r,g,b` under such a header, in any order of the
    columns) and the labelmap.txt of CVAT (`road:128,64,128::`) have it.

    >>> color_table({"road": [128, 64, 128], "sky": ["#4682b4", "#000001"]}, Path("."))
    {'road': [(128, 64, 128)], 'sky': [(70, 130, 180), (0, 0, 1)]}

    Args:
        colors: the setting; the path of a file is below `root`, or absolute.
        root: the dataset's folder.

    Raises:
        ConfigError: the setting is no table, or two classes have one colour.
        DataError: the file is missing or no table.
    """
    where: object = "colors"
    if isinstance(colors, (str, Path)):
        where = root / colors
        table: dict[str, list[Color]] = {}
        for name, color in _entries(root / colors):
            table.setdefault(name, []).append(color)
    elif isinstance(colors, Mapping) and colors:
        table = {str(name): list(_parsed(value, name)) for name, value in colors.items()}
    else:
        raise ConfigError(
            "The colours of the classes are no table",
            expected="class name -> [r, g, b], '#rrggbb' or a list of those; or a file",
            received=f"{colors!r:.200}",
            where="colors",
        )
    _check_distinct(table, where)
    return table


def parse_color(value: Any, where: object = "colors") -> Color:
    """A colour of 0..255 out of [r, g, b], "#rrggbb" or "r,g,b".

    Raises:
        ConfigError: anything else.
    """
    parts: Sequence[Any] = ()
    if isinstance(value, str):
        if match := _HEX.fullmatch(value.strip()):
            return int(match[1], 16), int(match[2], 16), int(match[3], 16)
        if match := _SEPARATED.fullmatch(value):
            parts = [int(text) for text in match.groups()]
    elif isinstance(value, (list, tuple)):
        parts = value
    if len(parts) == 3 and all(type(part) is int and 0 <= part <= 255 for part in parts):
        return parts[0], parts[1], parts[2]
    raise ConfigError(
        "This is no colour",
        expected='[r, g, b] of 0..255, or "#rrggbb" in quotation marks',
        received=f"{value!r:.100}",
        where=where,
    )


def color_text(color: Color) -> str:
    """A colour for messages: "(0, 128, 255)"."""
    return f"({color[0]}, {color[1]}, {color[2]})"


def _parsed(value: Any, name: object) -> Iterator[Color]:
    """The colours of one class."""
    several = isinstance(value, (list, tuple)) and not all(type(part) is int for part in value)
    for entry in value if several else [value]:
        yield parse_color(entry, f"colors, {name!r}")


def _entries(path: Path) -> Iterator[tuple[str, Color]]:
    """(name, colour) of a file's lines, in order."""
    if path.suffix.lower() == ".json":
        content = read_json(path, "The table of colours")
        if not isinstance(content, dict) or not content:
            raise _no_table(path, f"{type(content).__name__}", "{class name: [r, g, b], ...}")
        for name, value in content.items():
            yield from ((str(name), color) for color in _in_file(value, name, path))
        return
    lines = [line for line in read_lines(path) if not line.startswith("#")]
    if not lines:
        raise _no_table(path, "comments alone", "a class and its colour a line")
    header = _cells(lines[0], path, 1)
    columns = _columns([word.strip().lower() for word in header])
    if columns is not None:
        for number, line in enumerate(lines[1:], 2):
            row = _cells(line, path, number)
            cells = [row[i].strip() if i < len(row) else "" for i in columns]
            yield cells[0], _in_line(",".join(cells[1:]), path, number)
        return
    for number, line in enumerate(lines, 1):
        match = next((m for form in _LINES if (m := form.fullmatch(line))), None)
        if match is None:
            raise _no_table(
                path, f"{line!r:.100}", "r g b name, name,r,g,b or name:r,g,b::", number
            )
        yield match["name"].strip("\"' "), _in_line(match["color"], path, number)


def _cells(line: str, path: Path, number: int) -> list[str]:
    """The cells of a line of a CSV file."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error as error:
        raise _no_table(path, f"{error}: {line!r:.60}", "name,r,g,b", number) from error


def _columns(header: Sequence[str]) -> list[int] | None:
    """Columns of name, red, green and blue; None if the line is no header of such a table."""
    columns = []
    for names in (_NAMES, *_CHANNELS):
        column = next((header.index(name) for name in names if name in header), None)
        if column is None:
            return None
        columns.append(column)
    return columns


def _in_line(text: str, path: Path, number: int) -> Color:
    try:
        return parse_color(text)
    except ConfigError:
        raise _no_table(path, repr(text), "three numbers of 0..255", number) from None


def _in_file(value: Any, name: object, path: Path) -> list[Color]:
    try:
        return list(_parsed(value, name))
    except ConfigError as error:
        raise DataError(
            error.what, expected=error.expected, received=error.received, where=f"{path}, {name!r}"
        ) from None


def _no_table(path: Path, received: str, expected: str, number: int | None = None) -> DataError:
    return DataError(
        "The file is no table of the colours of classes",
        expected=expected,
        received=received,
        where=path if number is None else f"{path}, entry {number}",
    )


def _check_distinct(table: Mapping[str, Sequence[Color]], where: object) -> None:
    """Raise ConfigError if a colour is that of two classes, or a class has none."""
    names: dict[Color, str] = {}
    for name, colors in table.items():
        if not colors or not name:
            raise ConfigError("A class has no colour, or no name", received=repr(name), where=where)
        for color in colors:
            other = names.setdefault(color, name)
            if other != name:
                raise ConfigError(
                    f"Two classes have the colour {color_text(color)}",
                    received=f"{other!r} and {name!r}",
                    where=where,
                    fix="name them once, as one class, in a recipe's `colors`",
                )
