"""Scores and counts by class, on the terminal and as JSON values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from densefit.tools.report.confusion_text import confusion_lines
from densefit.tools.report.number_text import format_score
from densefit.tools.report.shortened import shortened

Number = int | float


@dataclass(frozen=True)
class ClassScores:
    """Numbers of a head's classes.

    Attributes:
        rows: class -> column -> number; whole numbers are counts, undefined ones are nan.
        order: column by which some of many classes are chosen.
        note: what the columns mean, in a line.
        confusion: `names`, `counts` (rows are the truth) and `what` is counted, to be printed;
            empty for none.
    """

    rows: Mapping[str, Mapping[str, Number]]
    order: str
    note: str = ""
    confusion: Mapping[str, Any] = field(default_factory=dict)

    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(dict.fromkeys(column for row in self.rows.values() for column in row))

    def values(self) -> dict[str, Any]:
        """JSON values: null where a number is undefined."""
        rows = {
            name: {column: None if math.isnan(n) else n for column, n in row.items()}
            for name, row in self.rows.items()
        }
        return {"classes": rows, **({"confusion": self.confusion} if self.confusion else {})}


def print_class_scores(console: Console, head: str, scores: ClassScores) -> None:
    """Print the table of a head's classes, and its confusions."""
    chosen, which = shortened(scores.rows, scores.order)
    table = Table(
        title=Text((f"{head}, by class" if head else "by class") + which),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
        pad_edge=False,
        show_edge=False,
    )
    table.add_column("class", overflow="fold", min_width=5)
    for column in scores.columns():
        table.add_column(Text(column), justify="right", no_wrap=True)
    cells = {
        name: [number_text(row.get(column, math.nan)) for column in scores.columns()]
        for name, row in chosen.items()
    }
    for name, texts in cells.items():
        table.add_row(Text(name), *texts)
    console.print(table)
    is_undefined = any(format_score(math.nan) in texts for texts in cells.values())
    notes = [scores.note, "- is undefined, and in no mean" if is_undefined else ""]
    for note in filter(None, notes):
        console.print(Text(note))
    if scores.confusion:
        for line in confusion_lines(scores.confusion, console.width):
            console.print(Text(line))


def number_text(value: Number) -> str:
    """
    >>> number_text(12345), number_text(0.5)
    ('12,345', '0.5000')
    """
    return f"{value:,}" if isinstance(value, int) else format_score(value)
