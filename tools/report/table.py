"""Print scores: for each head a table of scores, and a table by class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from rich.console import Console
from rich.table import Table
from rich.text import Text

from densefit.tools.report.class_scores import ClassScores, print_class_scores
from densefit.tools.report.number_text import format_score
from densefit.tools.report.shortened import shortened
from densefit.tools.report.wide_table import PADDING, split_columns

__all__ = ["Interval", "by_class", "by_head", "columns_of", "format_score", "print_scores"]

Interval = tuple[float, float]

_NUMBER = 10  # smallest width of a column of numbers, borders included


def print_scores(
    scores: Mapping[str, Mapping[str, float]],
    title: str,
    intervals: Mapping[str, Mapping[str, Interval]] | None = None,
    classes: Mapping[str, ClassScores] = MappingProxyType({}),
) -> None:
    """Print a line for each score of a head, and a line for each class.

    Args:
        scores: head -> key -> number; the key of a class's score is "<key>/<class>". The head ""
            has no title.
        title: description of the scored data; empty for none.
        intervals: head -> key -> ends of the 95 % interval.
        classes: head -> what is printed of its classes, in place of their scores.
    """
    console = Console(soft_wrap=True)
    if title:
        console.print(Text(title, style="bold"))
    for head, numbers in scores.items():
        plain, by_name = by_class(numbers)
        absent = plain.pop("absent_classes", math.nan)  # a count, not a score
        if plain:
            console.print(_plain(head, plain, (intervals or {}).get(head, {})))
        if absent > 0:
            console.print(
                f"{absent:.0f} of {len(by_name)} classes are neither in the truth nor predicted, "
                "and in no mean"
            )
        if head in classes:
            print_class_scores(console, head, classes[head])
            continue
        for table in _classes(head, by_name, console.width):
            console.print(table)


def by_head(scores: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Group the result of `densefit.score` by head.

    >>> by_head({"a/mIoU": 0.5, "a/IoU/cat": 0.4, "b/AP": 0.3})
    {'a': {'mIoU': 0.5, 'IoU/cat': 0.4}, 'b': {'AP': 0.3}}
    """
    by_name: dict[str, dict[str, float]] = {}
    for name, value in scores.items():
        head, key = name.split("/", 1)
        by_name.setdefault(head, {})[key] = value
    return by_name


def by_class(
    numbers: Mapping[str, float],
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Split scores into those of the whole dataset, and class -> key -> number.

    >>> by_class({"mIoU": 0.5, "IoU/cat": 0.4})
    ({'mIoU': 0.5}, {'cat': {'IoU': 0.4}})
    """
    plain: dict[str, float] = {}
    classes: dict[str, dict[str, float]] = {}
    for key, value in numbers.items():
        number, *rest = key.split("/", 1)
        if rest:
            classes.setdefault(rest[0], {})[number] = value
        else:
            plain[key] = value
    return plain, classes


def columns_of(classes: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Names of all scores that any class has, in order of appearance."""
    return list(dict.fromkeys(key for class_scores in classes.values() for key in class_scores))


def _plain(head: str, numbers: Mapping[str, float], intervals: Mapping[str, Interval]) -> Table:
    table = Table(title=Text(head) if head else None, title_justify="left")
    table.add_column("score")
    table.add_column("value", justify="right")
    if intervals:
        table.add_column("95 %")
    for key, value in numbers.items():
        low, high = intervals.get(key, (math.nan, math.nan))
        interval = "-" if math.isnan(low) else f"{format_score(low)} to {format_score(high)}"
        table.add_row(Text(key), format_score(value), *([interval] if intervals else []))
    return table


def _classes(head: str, classes: Mapping[str, Mapping[str, float]], width: int) -> list[Table]:
    """Make a table by class, or several if the columns do not fit side by side."""
    names = max((len(name) for name in classes), default=0) + PADDING + 1
    columns = columns_of(classes)
    widths = [max(_NUMBER, len(column) + PADDING) for column in columns]
    groups = [
        [columns[index] for index in indices] for indices in split_columns(names, widths, width)
    ]
    tables = []
    undefined = any(
        math.isnan(value) for class_scores in classes.values() for value in class_scores.values()
    )
    chosen, which = shortened(classes, columns[0] if columns else "")
    for group in groups:
        table = Table(
            title=Text((f"{head}, by class" if head else "by class") + which),
            title_justify="left",
            caption="- is undefined, and in no mean" if undefined else None,
            caption_justify="left",
        )
        table.add_column("class", overflow="fold")
        for column in group:
            table.add_column(Text(column), justify="right", no_wrap=True)
        for name, class_scores in chosen.items():
            table.add_row(
                Text(name), *(format_score(class_scores.get(column, math.nan)) for column in group)
            )
        tables.append(table)
    return tables
