"""One network for several tasks against a network a task: `python tools/compare_tasks.py RUNS`."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import List, Optional  # noqa: UP035 - read at run time on Python 3.9

from rich.console import Console
from rich.table import Table
from rich.text import Text

from densefit.config import parse
from densefit.tools.program import program
from densefit.tools.task_comparison import COSTS, Comparison, Spread, compare
from densefit.tools.task_runs import as_plain, grouped, read_task_runs

_COST_TITLES = {
    "parameters": "parameters",
    "ms_per_update": "ms an update",
    "peak_memory_mib": "peak memory, MiB",
}
Rows = Sequence[Sequence[str]]


@dataclass
class Comparing:
    """Compares finished runs of train_multi.py (and train_det.py and the like) on the test data.

    Runs with several heads are compared with runs of one of these heads each; runs that differ in
    their seeds alone are taken together.

    Args:
        runs: run folders, in any order.
        out: folder for tasks.md and tasks.json; none are written by default.
    """

    runs: List[str] = field(default_factory=list)  # noqa: UP006
    out: Optional[str] = None  # noqa: UP045


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    text = "Compare one network for several tasks with a network for each of them."
    return program(lambda: run(parse(Comparing, arguments, description=text, positional="runs")[0]))


def run(chosen: Comparing) -> Comparison:
    """Print the tables, and write them if `out` is given."""
    found = compare(grouped(read_task_runs(chosen.runs)))
    shown = tables(found)
    console = Console(soft_wrap=True)
    for title, rows in shown.items():
        table = Table(title=Text(title), title_justify="left")
        for place, column in enumerate(rows[0]):
            table.add_column(Text(column), justify="right" if place else "left")
        for row in rows[1:]:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
    print(note(found))
    if chosen.out is not None:
        out = Path(chosen.out)
        out.mkdir(parents=True, exist_ok=True)
        (out / "tasks.md").write_text(markdown(shown, note(found)), encoding="utf-8")
        text = json.dumps(as_plain(asdict(found)), indent=1, ensure_ascii=False, allow_nan=False)
        (out / "tasks.json").write_text(f"{text}\n", encoding="utf-8")
        print(f"wrote tasks.md and tasks.json to {out}")
    return found


def tables(found: Comparison) -> dict[str, Rows]:
    """Title -> rows of texts, the first of which names the columns."""
    groups = list(found.delta_m)
    head = ["number", "good", "alone"]
    for group in groups:
        head += [group, "change"]
    rows = [head]
    for task in found.tasks:
        row = [task.key, "high" if task.higher else "low", with_std(task.alone)]
        for group in groups:
            change = task.change.get(group, math.nan)
            row += [with_std(task.together.get(group)), percent(change)]
        rows.append(row)
    last = ["delta-m", "high", ""]
    for group in groups:
        delta = found.delta_m[group]
        last += ["", percent(delta.mean, delta.std)]
    shown: dict[str, Rows] = {"Scores on the test data": [*rows, last]}
    costs = [["network", *_COST_TITLES.values()]]
    for name, cost in found.cost.items():
        costs.append([name, *(number(cost.get(key, math.nan)) for key in COSTS)])
    shown["Cost of training"] = costs
    if found.conflict:
        named = list(found.conflict)
        pairs = dict.fromkeys(pair for own in found.conflict.values() for pair in own)
        shown["Cosine between the heads' gradients of what they share"] = [
            ["heads", *named],
            *(
                [pair, *(decimals(found.conflict[n].get(pair, math.nan)) for n in named)]
                for pair in pairs
            ),
        ]
    return shown


def note(found: Comparison) -> str:
    """What the tables mean, in a few lines."""
    lines = [
        "Mean over seeds, +- their sample standard deviation (how many seeds).",
        "change: signed relative change of the means against the task alone, above 0 if better.",
        "delta-m: its mean over tasks (Maninis et al. 2019), of each seed against the mean alone.",
        "all of these: trained one after another; parameters and an update of each added up.",
    ]
    lacking = [task.key for task in found.tasks if task.alone is None]
    if lacking:
        lines.append(f"No run of the task alone, and not in delta-m: {', '.join(lacking)}.")
    return "\n".join(lines)


def markdown(shown: Mapping[str, Rows], note: str) -> str:
    """The tables as Markdown."""
    parts = []
    for title, rows in shown.items():
        lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
        ruler = "|" + "|".join([" --- ", *[" ---: "] * (len(rows[0]) - 1)]) + "|"
        parts.append("\n".join([f"### {title}", "", lines[0], ruler, *lines[1:]]))
    return "\n\n".join([*parts, note]) + "\n"


def with_std(spread: Spread | None) -> str:
    """A mean with its deviation.

    >>> with_std(Spread(0.5, 0.012, 3)), with_std(Spread(0.5, math.nan, 1)), with_std(None)
    ('0.5000 +- 0.0120 (3)', '0.5000', '-')
    """
    if spread is None:
        return "-"
    if math.isnan(spread.std):
        return decimals(spread.mean)
    return f"{decimals(spread.mean)} +- {spread.std:.4f} ({spread.count})"


def percent(part: float, std: float = math.nan) -> str:
    """A part of 1 in percent, with its sign.

    >>> percent(-0.0212), percent(0.1, 0.02), percent(math.nan)
    ('-2.1 %', '+10.0 +- 2.0 %', '-')
    """
    if math.isnan(part):
        return "-"
    return f"{100 * part:+.1f}{'' if math.isnan(std) else f' +- {100 * std:.1f}'} %"


def decimals(value: float) -> str:
    """Four decimals; a dash for what is undefined."""
    return "-" if math.isnan(value) else f"{value:.4f}"


def number(value: float) -> str:
    """A whole number with thousands apart, small ones with a decimal; a dash for none.

    >>> number(1937125.0), number(302.17), number(math.nan)
    ('1,937,125', '302.2', '-')
    """
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.1f}"


if __name__ == "__main__":
    sys.exit(main())
