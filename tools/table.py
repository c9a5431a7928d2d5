"""Scores as a table on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table


def print_scores(scores: Mapping[str, float], title: str) -> None:
    """One line a number; a class's numbers share the line of the class."""
    console = Console(soft_wrap=True)
    main = Table(title=title, title_justify="left")
    main.add_column("score")
    main.add_column("value", justify="right")
    classes: dict[tuple[str, str], dict[str, float]] = {}
    for key, value in scores.items():
        head, metric, *rest = key.split("/", 2)
        if rest:
            classes.setdefault((head, rest[0]), {})[metric] = value
        else:
            main.add_row(key, f"{value:.4f}")
    console.print(main)
    for head in dict.fromkeys(head for head, _ in classes):
        own = {name: found for (of, name), found in classes.items() if of == head}
        columns = list(dict.fromkeys(metric for found in own.values() for metric in found))
        table = Table(title=f"{head}, by class", title_justify="left")
        table.add_column("class")
        for column in columns:
            table.add_column(column, justify="right")
        for name, found in own.items():
            table.add_row(name, *(f"{found.get(c, float('nan')):.4f}" for c in columns))
        console.print(table)
