"""Scores for people and for programs: a table, and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_scores(scores: Mapping[str, float], title: str) -> None:
    """One line a number; a class's numbers share the line of the class."""
    console = Console(soft_wrap=True)
    main = Table(title=Text(title), title_justify="left")
    main.add_column("score")
    main.add_column("value", justify="right")
    classes: dict[tuple[str, str], dict[str, float]] = {}
    for key, value in scores.items():
        head, metric, *rest = key.split("/", 2)
        if rest:
            classes.setdefault((head, rest[0]), {})[metric] = value
        else:
            main.add_row(Text(key), _shown(value))
    console.print(main)
    for head in dict.fromkeys(head for head, _ in classes):
        own = {name: found for (of, name), found in classes.items() if of == head}
        columns = list(dict.fromkeys(metric for found in own.values() for metric in found))
        table = Table(title=Text(f"{head}, by class"), title_justify="left")
        table.add_column("class")
        for column in columns:
            table.add_column(Text(column), justify="right")
        for name, found in own.items():
            table.add_row(Text(name), *(_shown(found.get(column, math.nan)) for column in columns))
        console.print(table)


def _shown(value: float) -> str:
    """A dash for what is undefined, e.g. the AP of large objects where there are none."""
    return "-" if math.isnan(value) else f"{value:.4f}"


def write_scores(
    path: Path, scores: Mapping[str, float], checkpoint: Path, split: str, samples: int
) -> None:
    """The scores as JSON, with what they were measured on; nan becomes null."""
    content: dict[str, Any] = {
        "checkpoint": str(checkpoint),
        "split": split,
        "samples": samples,
        "scores": {key: None if math.isnan(value) else value for key, value in scores.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
