"""One network for several tasks against a network a task: `python tools/compare_tasks.py RUNS`."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from rich.console import Console

from densefit.config import parse
from densefit.errors import writing
from densefit.tools.recipes.out_folder import make_folder
from densefit.tools.recipes.program import program
from densefit.tools.report.task_comparison import ALL, COSTS, Comparison, Spread, compare
from densefit.tools.report.task_runs import as_plain, grouped, read_task_runs
from densefit.tools.report.wide_table import Rows, print_rows

_COST_TITLES = {
    "parameters": "parameters",
    "ms_per_update": "ms an update",
    "peak_memory_mib": "peak memory, MiB",
}


@dataclass
class Comparing:
    """Compares finished runs of train_multi.py (and train_det.py and the like) on the test data.

    Runs with several heads are compared with runs of one of these heads each; runs that differ in
    their seeds alone are taken together.

    Args:
        runs: run folders, in any order.
        out: folder for tasks.md and tasks.json; none are written by default.
    """

    runs: list[str] = field(default_factory=list)
    out: str | None = None


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
        print_rows(console, title, rows)
    print(note(found))
    if chosen.out is not None:
        out = make_folder(chosen.out)
        with writing(out / "tasks.md"):
            (out / "tasks.md").write_text(markdown(shown, note(found)), encoding="utf-8")
        text = json.dumps(as_plain(asdict(found)), indent=1, ensure_ascii=False, allow_nan=False)
        with writing(out / "tasks.json"):
            (out / "tasks.json").write_text(f"{text}\n", encoding="utf-8")
        print(f"wrote tasks.md and tasks.json to {out}")
    return found


def tables(found: Comparison) -> dict[str, Rows]:
    """Title -> rows of texts, the first of which names the columns. A row is a network."""
    groups = list(found.delta_m)
    titles = [f"{task.key} ({'high' if task.higher else 'low'})" for task in found.tasks]
    alone = [task.alone for task in found.tasks]
    scores = [
        ["network", "seeds", *titles],
        ["alone", seeds(alone), *map(with_std, alone)],
    ]
    changes = [["network", "delta-m *" if found.without else "delta-m", *titles]]
    for group in groups:
        own = [task.together.get(group) for task in found.tasks]
        scores.append([group, seeds(own), *map(with_std, own)])
        delta = found.delta_m[group]
        parts = [percent(task.change.get(group, math.nan)) for task in found.tasks]
        if group in compared(found):
            changes.append([group, percent(delta.mean, delta.std), *parts])
    shown: dict[str, Rows] = {"Scores on the test data": scores}
    if len(changes) > 1:
        shown["Change against each task alone"] = changes
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


def compared(found: Comparison) -> list[str]:
    """The networks of which at least one change against a task alone is defined."""
    return [
        group
        for group in found.delta_m
        if any(not math.isnan(task.change.get(group, math.nan)) for task in found.tasks)
    ]


def note(found: Comparison) -> str:
    """What the tables mean, in a few lines."""
    lines = [
        "Scores: mean over seeds +- their standard deviation, and whether high is good.",
        "alone: of the network for that task alone.",
    ]
    rows = compared(found)
    if rows:
        lines += [
            "Change: signed relative change of the means against alone, above 0 if better.",
            "delta-m (Maninis 2019): its mean over tasks, each seed against the mean alone.",
        ]
    if ALL in found.cost:
        lines.append(f"{ALL}: one trained after another; parameters and updates added up.")
    others = [group for group in found.delta_m if group not in rows]
    if others:
        lines.append(f"No change is told of {', '.join(others)}: no score alone to compare with.")
    if found.without:
        lines.append(
            f"* Not in delta-m, as what they are alone is exactly 0: {', '.join(found.without)}."
        )
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


def seeds(spreads: Sequence[Spread | None]) -> str:
    """How many seeds the numbers of a row are means over.

    >>> seeds([Spread(0.5, 0.1, 3), None]), seeds([Spread(0.5, 0.1, 3), Spread(1.0, 0.1, 2)])
    ('3', '2 to 3')
    """
    counts = sorted({spread.count for spread in spreads if spread is not None})
    if not counts:
        return "-"
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def with_std(spread: Spread | None) -> str:
    """A mean with its deviation.

    >>> with_std(Spread(0.5, 0.012, 3)), with_std(Spread(0.5, math.nan, 1)), with_std(None)
    ('0.5000 +- 0.0120', '0.5000', '-')
    """
    if spread is None:
        return "-"
    if math.isnan(spread.std):
        return decimals(spread.mean)
    return f"{decimals(spread.mean)} +- {spread.std:.4f}"


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
