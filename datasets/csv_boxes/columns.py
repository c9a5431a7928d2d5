"""Which column of a table holds what: by the user's names, or as well-known tools write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from densefit.datasets.objects.box_format import BoxFormat
from densefit.errors import ConfigError, DataError
from densefit.registry import nearest

from .headers import fill_by_header, fill_by_row, is_automl, is_open_images
from .table import Table

KEYS = ("image", "class", "box", "size", "split", "difficult", "crowd")


@dataclass(frozen=True)
class Columns:
    """Indices of columns.

    Attributes:
        image: name of the image.
        label: class name; None if all objects are of one class.
        box: four columns, or one that holds four numbers.
        box_format: order and unit of the box's numbers.
        size: width and height of the image; () if unknown.
        split, difficult, crowd: None if there is no such column.
        count: number of columns.
    """

    image: int
    label: int | None
    box: tuple[int, ...]
    box_format: BoxFormat
    size: tuple[int, ...] = ()
    split: int | None = None
    difficult: int | None = None
    crowd: int | None = None
    count: int = 0


def find_columns(
    table: Table,
    named: Mapping[str, Any] | None,
    box_format: str | None,
    relative: bool | None,
    one_based: bool,
) -> Columns:
    """Indices of the columns of a table.

    Args:
        table: the table.
        named: what -> name or index of its column; what is not named is looked for.
        box_format: order of the box's numbers; None: by the names of the columns.
        relative: unit of the box's numbers; None: pixels, or parts of the image in Open Images.
        one_based: see `BoxFormat`.

    Raises:
        ConfigError: settings are not usable.
        DataError: the table has no such column, or no known ones.
    """
    indices = _named(table, named or {})
    order = box_format
    if table.header is None:
        by_name = fill_by_row(table.rows[0][1], indices)
        order = order or by_name
        if relative is None:
            relative = is_automl(table.rows[0][1])
    else:
        by_name = fill_by_header(table.header, indices)
        order = order or by_name
        if relative is None:
            relative = is_open_images(table.header)
    if not indices.get("image") or not indices.get("box"):
        raise _unknown(table, indices)
    if order is None:
        raise ConfigError(
            "The order of a box's numbers is unknown",
            expected="box_format: xyxy, xywh or cxcywh",
            where=table.path,
        )
    return Columns(
        indices["image"][0],
        _first(indices.get("class")),
        indices["box"],
        BoxFormat(order, bool(relative), one_based),
        indices.get("size", ()),
        _first(indices.get("split")),
        _first(indices.get("difficult")),
        _first(indices.get("crowd")),
        len(table.rows[0][1]) if table.header is None else len(table.header),
    )


def _first(indices: tuple[int, ...] | None) -> int | None:
    return indices[0] if indices else None


def _named(table: Table, named: Mapping[str, Any]) -> dict[str, Any]:
    """Indices of the columns that the user names."""
    indices: dict[str, Any] = {}
    for key, value in named.items():
        if key not in KEYS:
            raise ConfigError(
                f"A table has no column for {key!r}",
                expected=f"columns: {', '.join(KEYS)}",
                where="columns",
                fix=nearest(str(key), KEYS),
            )
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        counts = {"box": (1, 4), "size": (2,)}.get(key, (1,))
        if len(values) not in counts:
            raise ConfigError(
                f"The columns of {key!r} are {' or '.join(map(str, counts))}",
                received=f"{value!r:.120}",
                where="columns",
            )
        indices[key] = tuple(_index(table, column) for column in values)
    return indices


def _index(table: Table, column: Any) -> int:
    """Index of a column that is named, or numbered from 0."""
    count = len(table.rows[0][1]) if table.header is None else len(table.header)
    if type(column) is int and 0 <= column < count:
        return column
    if table.header is None or type(column) is int:
        raise ConfigError(
            f"The table has no column {column!r}",
            expected=f"0 to {count - 1}"
            + (": the table has no header" if table.header is None else ""),
            where=table.path,
        )
    if table.header.count(str(column)) != 1:
        raise DataError(
            f"The table does not have exactly one column {column!r}",
            received=", ".join(table.header)[:200],
            where=table.path,
            fix=nearest(str(column), table.header),
        )
    return table.header.index(str(column))


def _unknown(table: Table, indices: Mapping[str, Any]) -> DataError:
    missing = " and ".join(key for key in ("image", "box") if not indices.get(key))
    return DataError(
        f"The table has no known columns for {missing}",
        expected="filename, xmin, ymin, xmax, ymax, class, or other usual names; without a header "
        "6 columns: path, x1, y1, x2, y2, class",
        received=", ".join(table.header or table.rows[0][1])[:200],
        where=table.path,
        fix="name them: columns: {image: path, class: label, box: [x1, y1, x2, y2]}, by numbers "
        "from 0 without a header",
    )
