"""A confusion matrix as cells of a table, and its largest confusions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_CELLS = 24  # largest number of classes with a number in each cell
_LISTED = 12  # confusions
_BACKGROUND = "background"


@dataclass(frozen=True)
class Cell:
    """A cell: its text, its depth of color from 0 to 1, and what it says."""

    text: str
    depth: float
    title: str


@dataclass(frozen=True)
class MatrixTable:
    """A confusion matrix to write.

    Attributes:
        names: names of the classes, the columns.
        rows: (name of the true class, its cells).
        what: what is counted.
        total: number of counts.
        is_small: whether the cells have numbers.
        largest: (true class, predicted class, count, share of the true class), off the diagonal.
    """

    names: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    what: str
    total: int
    is_small: bool
    largest: Sequence[tuple[str, str, int, str]]


def matrix_table(matrix: Mapping[str, Any]) -> MatrixTable:
    """Lay out a matrix. Shares are of each true class; colors follow their square root.

    Args:
        matrix: `names`, `counts` (rows are the truth), `what`.
    """
    names, counts = list(matrix["names"]), matrix["counts"]
    is_small = len(names) <= _CELLS
    rows = []
    for name, row in zip(names, counts):
        total = sum(row)
        rows.append((name, [_cell(name, to, n, total) for to, n in zip(names, row)]))
    wrong = [
        (names[i], names[j], count, _percent(count, sum(row)))
        for i, row in enumerate(counts)
        for j, count in enumerate(row)
        if i != j and count
    ]
    wrong.sort(key=lambda entry: -entry[2])
    total = sum(map(sum, counts))
    return MatrixTable(names, rows, matrix["what"], total, is_small, wrong[:_LISTED])


def _cell(true: str, predicted: str, count: int, total: int) -> Cell:
    share = count / total if total else 0.0
    title = f"true {true}, predicted {predicted}: {count:,} ({_percent(count, total)})"
    return Cell(f"{count:,}" if count else "", round(math.sqrt(share), 2), title)


def _percent(count: int, total: int) -> str:
    """
    >>> _percent(1, 3), _percent(0, 0)
    ('33.3 %', '-')
    """
    return f"{100 * count / total:.1f} %" if total else "-"
