"""Tables of a comparison of multi-task with single-task runs, as text and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from densefit.tools.report.task_comparison import ALL, COSTS, Comparison, Spread
from densefit.tools.report.wide_table import Rows

_COST_TITLES = {
    "parameters": "parameters",
    "ms_per_update": "ms an update",
    "peak_memory_mib": "peak memory, MiB",
}


def tables(comparison: Comparison) -> dict[str, Rows]:
    """Make tables by title: a row of strings for each network, after a header row."""
    groups = list(comparison.delta_m)
    titles = [f"{task.key} ({'high' if task.higher else 'low'})" for task in comparison.tasks]
    alone = [task.alone for task in comparison.tasks]
    scores = [
        ["network", "seeds", *titles],
        ["alone", seeds(alone), *map(with_std, alone)],
    ]
    changes = [["network", "delta-m *" if comparison.without else "delta-m", *titles]]
    for group in groups:
        values = [task.together.get(group) for task in comparison.tasks]
        scores.append([group, seeds(values), *map(with_std, values)])
        delta = comparison.delta_m[group]
        parts = [percent(task.change.get(group, math.nan)) for task in comparison.tasks]
        if group in compared(comparison):
            changes.append([group, percent(delta.mean, delta.std), *parts])
    tables_by_title: dict[str, Rows] = {"Scores on the test data": scores}
    if len(changes) > 1:
        tables_by_title["Change against each task alone"] = changes
    costs = [["network", *_COST_TITLES.values()]]
    for name, cost in comparison.cost.items():
        costs.append([name, *(number(cost.get(key, math.nan)) for key in COSTS)])
    tables_by_title["Cost of training"] = costs
    if comparison.conflict:
        named = list(comparison.conflict)
        pairs = dict.fromkeys(pair for values in comparison.conflict.values() for pair in values)
        tables_by_title["Cosine between the heads' gradients of what they share"] = [
            ["heads", *named],
            *(
                [pair, *(decimals(comparison.conflict[n].get(pair, math.nan)) for n in named)]
                for pair in pairs
            ),
        ]
    return tables_by_title


def compared(comparison: Comparison) -> list[str]:
    """Names of the groups with a defined change against a single-task run."""
    return [
        group
        for group in comparison.delta_m
        if any(not math.isnan(task.change.get(group, math.nan)) for task in comparison.tasks)
    ]


def note(comparison: Comparison) -> str:
    """Explain the tables in a few lines."""
    lines = [
        "Scores: mean over seeds +- their standard deviation, and whether high is good.",
        "alone: of the network for that task alone.",
    ]
    rows = compared(comparison)
    if rows:
        lines += [
            "Change: signed relative change of the means against alone, above 0 if better.",
            "delta-m (Maninis 2019): its mean over tasks, each seed against the mean alone.",
        ]
    if ALL in comparison.cost:
        lines.append(f"{ALL}: one trained after another; parameters and updates added up.")
    unchanged = [group for group in comparison.delta_m if group not in rows]
    if unchanged:
        lines.append(
            f"No change for {', '.join(unchanged)}: there is no single-task score to compare with."
        )
    if comparison.without:
        lines.append(
            f"* Not in delta-m, as the score alone is exactly 0: {', '.join(comparison.without)}."
        )
    lacking = [task.key for task in comparison.tasks if task.alone is None]
    if lacking:
        lines.append(f"No run of the task alone, and not in delta-m: {', '.join(lacking)}.")
    return "\n".join(lines)


def markdown(tables_by_title: Mapping[str, Rows], note: str) -> str:
    """Format the tables as Markdown."""
    parts = []
    for title, rows in tables_by_title.items():
        lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
        ruler = "|" + "|".join([" --- ", *[" ---: "] * (len(rows[0]) - 1)]) + "|"
        parts.append("\n".join([f"### {title}", "", lines[0], ruler, *lines[1:]]))
    return "\n\n".join([*parts, note]) + "\n"


def seeds(spreads: Sequence[Spread | None]) -> str:
    """Format the number of seeds of a row.

    >>> seeds([Spread(0.5, 0.1, 3), None]), seeds([Spread(0.5, 0.1, 3), Spread(1.0, 0.1, 2)])
    ('3', '2 to 3')
    """
    counts = sorted({spread.count for spread in spreads if spread is not None})
    if not counts:
        return "-"
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def with_std(spread: Spread | None) -> str:
    """Format a mean with its standard deviation.

    >>> with_std(Spread(0.5, 0.012, 3)), with_std(Spread(0.5, math.nan, 1)), with_std(None)
    ('0.5000 +- 0.0120', '0.5000', '-')
    """
    if spread is None:
        return "-"
    if math.isnan(spread.std):
        return decimals(spread.mean)
    return f"{decimals(spread.mean)} +- {spread.std:.4f}"


def percent(part: float, std: float = math.nan) -> str:
    """Format a fraction in percent, with its sign.

    >>> percent(-0.0212), percent(0.1, 0.02), percent(math.nan)
    ('-2.1 %', '+10.0 +- 2.0 %', '-')
    """
    if math.isnan(part):
        return "-"
    return f"{100 * part:+.1f}{'' if math.isnan(std) else f' +- {100 * std:.1f}'} %"


def decimals(value: float) -> str:
    """Format with four decimals; a dash for nan."""
    return "-" if math.isnan(value) else f"{value:.4f}"


def number(value: float) -> str:
    """Format with separated thousands, and a decimal below 1,000; a dash for nan.

    >>> number(1937125.0), number(302.17), number(math.nan)
    ('1,937,125', '302.2', '-')
    """
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.1f}"
