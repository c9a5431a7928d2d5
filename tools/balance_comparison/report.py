"""A comparison as tables, JSON and a picture of scores by cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from densefit.tools.balance_comparison.arms import EQUAL, Arm
from densefit.tools.balance_comparison.compare import Measured
from densefit.tools.balance_comparison.effect import MARGIN, Effect
from densefit.tools.report.task_runs import as_plain
from densefit.tools.report.task_tables import number
from densefit.tools.report.wide_table import Rows
from densefit.visualize.plotting import legend_beside, new_figure, tidy, write_figure


def rows(
    measured: Measured,
    methods: Sequence[Arm],
    alone: Mapping[str, Effect],
    against: Mapping[str, Effect],
) -> Rows:
    """A row for each method: delta-m, change of each head, time, and the verdict.

    Args:
        measured: all runs.
        methods: ways of training all heads.
        alone: each method against the heads alone.
        against: each method against equal weights.
    """
    heads = list(measured.alone)
    table = [["method", "seeds", "delta-m", *heads, "ms", "against equal weights", "verdict"]]
    for arm in methods:
        name = arm.name
        if name not in alone:
            continue
        changes = [points(measured.change(name, head)) for head in heads]
        time = number(measured.milliseconds(name))
        seeds = str(alone[name].seeds)
        first = [name, seeds, interval(alone[name]), *changes, time]
        effect = against.get(name)
        table.append([*first, *((interval(effect), effect.verdict) if effect else ("control", ""))])
    return table


def note(against: Mapping[str, Effect]) -> str:
    """What the table means, and what so many seeds can show."""
    lines = [
        "delta-m (Maninis 2019): mean relative change of the heads' test scores against each",
        "head alone with the same seed, in percent; checkpoints are chosen by it on the",
        f"validation data. Intervals of 95 %, against equal weights of all {len(against)} methods",
        "together; verdicts by paired t tests with Holm's correction. Less than "
        f"{100 * MARGIN:g} points",
        "is no difference.",
    ]
    smallest = [e.smallest for e in against.values() if math.isfinite(e.smallest)]
    if smallest:
        lines.append(
            f"So many seeds show a difference of {100 * min(smallest):.1f} to "
            f"{100 * max(smallest):.1f} points with a probability of 80 %."
        )
    return "\n".join(lines)


def points(value: float) -> str:
    """Format a fraction in percent.

    >>> points(0.0123), points(-0.2), points(math.nan)
    ('+1.2', '-20.0', '-')
    """
    return "-" if math.isnan(value) else f"{100 * value:+.1f}"


def interval(effect: Effect) -> str:
    """Format a mean with its interval.

    >>> interval(Effect(0.01, -0.005, 0.025, 0.2, 3, 0.02, 5))
    '+1.0 (-0.5 to +2.5)'
    """
    if not math.isfinite(effect.low):
        return points(effect.mean)
    return f"{points(effect.mean)} ({points(effect.low)} to {points(effect.high)})"


def as_json(measured: Measured, alone: Mapping[str, Effect], against: Mapping[str, Effect]) -> Any:
    """All numbers by method."""
    return as_plain(
        {
            "methods": {
                name: {
                    "delta_m": measured.deltas(name),
                    "ms_per_update": measured.milliseconds(name),
                    "against_alone": asdict(alone[name]) if name in alone else None,
                    "against_equal": {**asdict(against[name]), "verdict": against[name].verdict}
                    if name in against
                    else None,
                }
                for name in measured.together
            },
            "failures": measured.failures,
        }
    )


def draw(measured: Measured, alone: Mapping[str, Effect], path: Path) -> None:
    """Draw delta-m by the time of an update, with intervals.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    figure = new_figure(8, 4.5)
    axes = figure.subplots()
    base = measured.milliseconds(EQUAL)
    for index, (name, effect) in enumerate(alone.items()):
        cost = measured.milliseconds(name) / base
        half = [[100 * (effect.mean - effect.low)], [100 * (effect.high - effect.mean)]]
        bars = half if math.isfinite(effect.low) else None
        marker = "os^Dv"[index // 10 % 5]
        mean = 100 * effect.mean
        axes.errorbar(cost, mean, yerr=bars, fmt=marker, capsize=3, linewidth=1, label=name)
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set_xlabel("time of an update, times that of equal weights")
    axes.set_ylabel("delta-m against each head alone, %")
    tidy(axes)
    legend_beside(axes, len(alone))
    write_figure(figure, path, dpi=110)
