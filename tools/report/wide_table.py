"""Print tables of any number of columns on a terminal of any width."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

Rows = Sequence[Sequence[str]]

PADDING = 3  # characters around a column: a blank at either side and a line
NAME = 24  # largest width of the first column if the table is too wide


def split_columns(first: int, widths: Sequence[int], available: int) -> list[list[int]]:
    """Split columns into tables that fit on the terminal.

    >>> split_columns(10, [20, 20, 20], 53)
    [[0, 1], [2]]

    Args:
        first: width of the first column, which all tables repeat, lines and blanks included.
        widths: largest widths of the other columns, lines and blanks included.
        available: width of the terminal.

    Returns:
        Column indices of each table; at least one column per table.
    """
    groups: list[list[int]] = []
    left = 0
    for column, width in enumerate(widths):
        if left < width:
            groups.append([])
            left = available - first
        groups[-1].append(column)
        left -= width
    return groups


def print_rows(console: Console, title: str, rows: Rows) -> None:
    """Print a table, or several below each other if the columns do not fit.

    In that case column names are wrapped at "/" and "(", so that more of them fit.

    Args:
        console: console to print on.
        title: title of the table.
        rows: rows of strings; the first row names the columns, the first column names the rows.
    """
    head, *body = rows
    names = max(len(row[0]) for row in rows)
    widths = _widths(head[1:], body)
    tight = names + PADDING + 1 + sum(widths) > console.width
    if tight:
        names = min(names, NAME)
        head = [name.replace("/", "/\n").replace(" (", "\n(") for name in head]
        widths = _widths(head[1:], body)
    tables = split_columns(names + PADDING + 1, widths, console.width)
    for number, columns in enumerate(tables):
        table = Table(title=Text(title) if number == 0 else None, title_justify="left")
        table.add_column(Text(head[0]), overflow="fold", max_width=NAME if tight else None)
        for column in columns:
            table.add_column(Text(head[1 + column]), justify="right", overflow="fold")
        for row in body:
            table.add_row(Text(row[0]), *(Text(row[1 + column]) for column in columns))
        console.print(table)


def _widths(head: Sequence[str], body: Rows) -> list[int]:
    """Widths of all columns but the first, lines and blanks included."""
    columns = zip(head, *(row[1:] for row in body))
    longest = [max(len(line) for text in column for line in text.split("\n")) for column in columns]
    return [width + PADDING for width in longest]
