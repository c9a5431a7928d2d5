"""Lines of text files, by a declared order of their columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from densefit.datasets.files.text_file import read_text
from densefit.datasets.objects.annotation import ObjectAnnotation
from densefit.datasets.objects.box_format import BoxFormat, numbers
from densefit.datasets.objects.polygon import extent, polygon_area
from densefit.errors import ConfigError, DataError

_BOXES = {"x1 y1 x2 y2": "xyxy", "x y w h": "xywh", "cx cy w h": "cxcywh"}
_OTHER = ("class", "class_id", "text", "difficult", "crowd", "_")
_FLAGS = {"0": False, "1": True}


@dataclass(frozen=True)
class LineFormat:
    """What the columns of a line are.

    Attributes:
        columns: their names.
        separator: between them; None: blanks.
        box_format: order and unit of the box's numbers.
        corners: indices of the columns of the box or polygon.
        is_polygon: they are the corners of a polygon.
        classes: class names, which `class_id` numbers from 0.
        ignored: texts, or class names, of objects that are difficult.
    """

    columns: tuple[str, ...]
    separator: str | None
    box_format: BoxFormat
    corners: tuple[int, ...]
    is_polygon: bool
    classes: Sequence[str] | None = None
    ignored: Collection[str] = ()

    def read(self, path: Path, skipped: int) -> list[ObjectAnnotation]:
        """Objects of a file.

        Args:
            path: the file.
            skipped: number of lines at its start that are no objects.

        Raises:
            DataError: the file cannot be read, or a line is not of this format.
        """
        lines = read_text(path, "The label file").splitlines()
        return [
            self._object(line, f"{path}, line {number}", number)
            for number, line in enumerate(lines, 1)
            if number > skipped and line.strip()
        ]

    def _object(self, line: str, where: str, number: int) -> ObjectAnnotation:
        cells = self._cells(line, where)
        values = numbers([cells[index] for index in self.corners], where)
        named = dict(zip(self.columns, cells))
        name = self._class_of(named, where)
        difficult = self._flag(named, "difficult", where)
        text = named.get("text", "").strip('"')
        if text in self.ignored and "text" in named:
            difficult = True
        position = f"line {number}"
        if not self.is_polygon:
            box = self.box_format.box(values, where)
            crowd = self._flag(named, "crowd", where)
            return ObjectAnnotation(name, box, difficult, crowd, where=position)
        polygon = self.box_format.polygon(values, where)
        return ObjectAnnotation(
            name,
            extent(polygon),
            difficult,
            self._flag(named, "crowd", where),
            polygon_area(polygon),
            [polygon],
            where=position,
        )

    def _cells(self, line: str, where: str) -> list[str]:
        """Cells of a line; a text at its end may have separators in it."""
        count = len(self.columns)
        limit = count - 1 if self.columns[-1] == "text" else -1
        cells = [cell.strip() for cell in line.strip().split(self.separator, limit)]
        if len(cells) == count + 1 and not cells[-1]:
            cells.pop()  # the line ends with a separator
        if limit >= 0 and len(cells) == count - 1:
            cells.append("")  # an empty text
        if len(cells) != count:
            raise DataError(
                "A line has more or fewer columns than are declared",
                expected=f"{count}: {' '.join(self.columns)}",
                received=f"{len(cells)}: {line.strip()!r:.120}",
                where=where,
                fix="see the settings `columns`, `separator` and `skip_lines`",
            )
        return cells

    def _class_of(self, named: dict[str, str], where: str) -> str:
        if "class" in named:
            if not named["class"]:
                raise DataError("An object has no class name", where=where)
            return named["class"]
        classes = self.classes or ()
        if "class_id" not in named:
            return classes[0]
        text = named["class_id"]
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) < len(classes)):
            raise DataError(
                f"An object has a class number without a name: {text!r:.40}",
                expected=f"0 to {len(classes) - 1}",
                where=where,
            )
        return classes[int(text)]

    def _flag(self, named: dict[str, str], column: str, where: str) -> bool:
        text = named.get(column, "0")
        if text not in _FLAGS:
            raise DataError(
                f"The column {column!r} is neither 0 nor 1", received=f"{text!r:.40}", where=where
            )
        return _FLAGS[text]


def line_format(
    columns: str,
    separator: str | None,
    relative: bool,
    one_based: bool,
    classes: Sequence[str] | None,
    ignored: Collection[str],
) -> LineFormat:
    """Read a declaration of columns: "class x1 y1 x2 y2", "x1,y1,x2,y2,x3,y3,x4,y4,text".

    Args:
        columns: names, with the separator of the files between them.
        separator: between columns; None: a comma or tab that `columns` has, or blanks.
        relative: see `BoxFormat`.
        one_based: see `BoxFormat`.
        classes: class names.
        ignored: texts of objects that are difficult.

    Raises:
        ConfigError: a column is unknown or twice, or they have neither box nor polygon.
    """
    mark = next((mark for mark in ",;\t" if mark in columns), None)
    names = tuple(name.strip() for name in columns.split(mark))
    corners = tuple(index for index, name in enumerate(names) if name not in _OTHER)
    order = _BOXES.get(" ".join(names[index] for index in corners))
    count = len(corners) // 2
    polygon = " ".join(f"x{number} y{number}" for number in range(1, count + 1))
    is_polygon = count >= 3 and " ".join(names[index] for index in corners) == polygon
    repeated = [name for name in names if name != "_" and names.count(name) > 1]
    if repeated or (order is None and not is_polygon) or ("text" in names[:-1] and mark is None):
        raise ConfigError(
            "The columns of the text files are not usable",
            expected=f"{', '.join(_OTHER)}, and {', '.join(_BOXES)} or x1 y1 x2 y2 x3 y3 and so "
            "on of a polygon, each once; a text with blanks in it comes last",
            received=f"{columns!r:.200}",
            where="columns",
        )
    if separator is not None and (not isinstance(separator, str) or not separator):
        raise ConfigError(
            "A separator is a text of one character or more", received=repr(separator)
        )
    return LineFormat(
        names,
        separator or mark,
        BoxFormat(order or "xyxy", relative, one_based),
        corners,
        is_polygon,
        classes,
        ignored,
    )
