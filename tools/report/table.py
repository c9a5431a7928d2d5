"""Scores for people: a table of each head's numbers, and one of its classes."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from densefit.tools.report.wide_table import PADDING, split_columns

Interval = tuple[float, float]

_LOWEST, _HIGHEST = 20, 10  # classes that are printed where there are more
_NUMBER = 10  # characters that a column of numbers takes at least, borders included


def print_scores(
    scores: Mapping[str, Mapping[str, float]],
    title: str,
    intervals: Mapping[str, Mapping[str, Interval]] | None = None,
) -> None:
    """For each head one line a number, and one line a class.

    Args:
        scores: head -> key -> number; "<key>/<class>" is the class's. The head "" has no name.
        title: what was scored.
        intervals: head -> key -> the ends of the 95 % interval.
    """
    console = Console(soft_wrap=True)
    console.print(Text(title, style="bold"))
    for head, numbers in scores.items():
        plain, classes = by_class(numbers)
        absent = plain.pop("absent_classes", math.nan)  # a count, and no score
        if plain:
            console.print(_plain(head, plain, (intervals or {}).get(head, {})))
        if absent > 0:
            console.print(
                f"{absent:.0f} of {len(classes)} classes are neither in the truth nor predicted, "
                "and in no mean"
            )
        for table in _classes(head, classes, console.width):
            console.print(table)


def by_head(scores: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """What `densefit.score` gives, by head.

    >>> by_head({"a/mIoU": 0.5, "a/IoU/cat": 0.4, "b/AP": 0.3})
    {'a': {'mIoU': 0.5, 'IoU/cat': 0.4}, 'b': {'AP': 0.3}}
    """
    found: dict[str, dict[str, float]] = {}
    for name, value in scores.items():
        head, key = name.split("/", 1)
        found.setdefault(head, {})[key] = value
    return found


def by_class(
    numbers: Mapping[str, float],
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """The numbers that are not of a class, and class -> key -> number.

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
    """The numbers that any class has, in order of appearance."""
    return list(dict.fromkeys(key for found in classes.values() for key in found))


def _plain(head: str, numbers: Mapping[str, float], intervals: Mapping[str, Interval]) -> Table:
    table = Table(title=Text(head) if head else None, title_justify="left")
    table.add_column("score")
    table.add_column("value", justify="right")
    if intervals:
        table.add_column("95 %")
    for key, value in numbers.items():
        low, high = intervals.get(key, (math.nan, math.nan))
        interval = "-" if math.isnan(low) else f"{shown(low)} to {shown(high)}"
        table.add_row(Text(key), shown(value), *([interval] if intervals else []))
    return table


def _classes(head: str, classes: Mapping[str, Mapping[str, float]], width: int) -> list[Table]:
    """One table, or several where the columns of one would not fit side by side."""
    names = max((len(name) for name in classes), default=0) + PADDING + 1
    columns = columns_of(classes)
    widths = [max(_NUMBER, len(column) + PADDING) for column in columns]
    groups = [[columns[one] for one in own] for own in split_columns(names, widths, width)]
    tables = []
    undefined = any(math.isnan(value) for found in classes.values() for value in found.values())
    chosen, which = _shortened(classes, columns[0] if columns else "")
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
        for name, found in chosen.items():
            table.add_row(Text(name), *(shown(found.get(column, math.nan)) for column in group))
        tables.append(table)
    return tables


def _shortened(
    classes: Mapping[str, Mapping[str, float]], column: str
) -> tuple[Mapping[str, Mapping[str, float]], str]:
    """The classes that are printed, and what the title says of them.

    Of many the lowest and highest in one column; scores.json and the CSV file have all.
    """
    if len(classes) <= _LOWEST + _HIGHEST:
        return classes, ""
    defined = [name for name in classes if not math.isnan(classes[name].get(column, math.nan))]
    ranked = sorted(defined, key=lambda name: classes[name][column])
    if len(ranked) > _LOWEST + _HIGHEST:
        ranked = ranked[:_LOWEST] + ranked[-_HIGHEST:]
    title = f": {len(ranked)} of {len(classes)}, the lowest and the highest {column}"
    return {name: classes[name] for name in ranked}, title


def shown(value: float) -> str:
    """Four decimals; a dash for what is undefined, e.g. the AP of large objects without any.

    >>> shown(0.5), shown(0.00001), shown(float("nan"))
    ('0.5000', '1.0e-05', '-')
    """
    if math.isnan(value):
        return "-"
    return f"{value:.1e}" if 0 < abs(value) < 5e-5 else f"{value:.4f}"
