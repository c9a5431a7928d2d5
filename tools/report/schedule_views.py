"""Show learning rates over a training: as a table, as sparklines, and as a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from densefit.train.schedules import Resolved
from densefit.visualize.plotting import (
    color,
    escape_math,
    line_style,
    new_figure,
    tidy,
    write_figure,
)

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH = 64  # characters of a line
_OTHERS, _COLUMN = 46, 12  # characters of the table beside the rates, and of each rate
_MARKS = 8  # moments of a schedule in the table
_POINTS = 2000  # points of a curve
_WIDE = 30.0  # ratio of highest to lowest rate above which a logarithmic panel is added
_DEEP = 1e-5  # lower limit of the logarithmic panel, relative to the highest rate


@dataclass(frozen=True)
class NamedSchedule:
    """A schedule to show.

    Attributes:
        label: name in tables and legends.
        rate: learning rate by number of updates done.
        scored: whether the schedule depends on scores.
    """

    label: str
    rate: Resolved
    scored: bool = False


Numbered = tuple[int | None, NamedSchedule]


def print_rates(schedules: Sequence[NamedSchedule], total: int, per_epoch: int) -> None:
    """Print each schedule as a sparkline, and the rates at notable moments."""
    console = Console(soft_wrap=True)
    for number, schedule in enumerate(schedules, 1):
        peak = max(sampled(schedule.rate, total)[1])
        name = f"{number}  {schedule.label}" + (
            "  (while scores improve)" if schedule.scored else ""
        )
        console.print(Text(name, style="bold"))
        console.print(Text(f"   {sparkline(schedule.rate, total)}  up to {peak:.4g}"))
    title = Text(f"{total:,} updates, {total / per_epoch:.4g} epochs of {per_epoch:,}")
    console.print(title)
    numbered = list(enumerate(schedules, 1))
    columns = max(1, (console.width - _OTHERS) // _COLUMN)
    for start in range(0, len(numbered), columns):
        console.print(
            _table(numbered[start : start + columns], len(schedules) > 1, total, per_epoch)
        )


def _table(group: Sequence[Numbered], several: bool, total: int, per_epoch: int) -> Table:
    """Make a table of schedules side by side; several schedules are numbered."""
    rows, left_out = moments(
        group if several else [(None, schedule) for _, schedule in group], total
    )
    table = Table(
        caption=f"{left_out} later moments are not listed" if left_out else None,
        caption_justify="left",
    )
    table.add_column("update", justify="right", no_wrap=True)
    table.add_column("epoch", justify="right", no_wrap=True)
    for number, _ in group:
        name = f"rate {number}" if several else "rate"
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for t, what in rows.items():
        rates = [f"{schedule.rate(t):.4g}" for _, schedule in group]
        table.add_row(f"{t:,}", f"{t / per_epoch:.4g}", *rates, Text(", ".join(what)))
    return table


def moments(group: Sequence[Numbered], total: int) -> tuple[dict[int, list[str]], int]:
    """(notable updates with their descriptions, in order; number of moments left out)."""
    descriptions: dict[int, list[str]] = {}
    quarters = {total * part // 100: f"{part} %" for part in (25, 50, 75)}
    for t, what in [(0, "first"), *quarters.items(), (total - 1, "last"), (total, "after the end")]:
        descriptions.setdefault(t, []).append(what)
    left_out = 0
    for number, schedule in group:
        for t, what in schedule.rate.moments[:_MARKS]:
            descriptions.setdefault(t, []).append(what if number is None else f"{number}: {what}")
        left_out += len(schedule.rate.moments[_MARKS:])
    return {t: descriptions[t] for t in sorted(descriptions)}, left_out


def sparkline(rate: Resolved, total: int, width: int = _WIDTH) -> str:
    """Draw the rates as a line of block characters, relative to the highest rate; 0 is blank.

    Each character is the mean of its part of the training.

    >>> from densefit.train.schedules import Linear
    >>> sparkline(Linear(1.0).resolve(8), total=8)
    '█▇▆▅▄▃▂▁'
    """
    times, rates = (np.asarray(values) for values in sampled(rate, total))
    columns = times * min(width, total) // total
    counts = np.bincount(columns)
    sums = np.bincount(columns, rates)
    means = sums / counts
    steps = np.ceil(means / max(means.max(), np.finfo(float).tiny) * len(_BLOCKS)).astype(int)
    return "".join((" " + _BLOCKS)[step] for step in steps.tolist())


def sampled(rate: Resolved, total: int) -> tuple[list[int], list[float]]:
    """Sample (updates, rates) at 2,000 updates, and before and at all notable moments."""
    evenly = np.linspace(0, total - 1, min(total, _POINTS)).round().astype(int)
    marked = [t for t, _ in rate.moments]
    times = sorted({*evenly.tolist(), *marked, *(t - 1 for t in marked)})
    return times, [rate(t) for t in times]


def plot_rates(path: Path, schedules: Sequence[NamedSchedule], total: int, per_epoch: int) -> None:
    """Plot all schedules with their marks; also on a logarithmic scale for wide ranges.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    curves = [sampled(schedule.rate, total) for schedule in schedules]
    positive = [rate for _, rates in curves for rate in rates if rate > 0]
    wide = bool(positive) and max(positive) / min(positive) > _WIDE
    figure = new_figure(9, (6 if wide else 3.8) + 0.21 * len(schedules))
    panels = figure.subplots(
        1 + wide, 1, sharex=True, squeeze=False, height_ratios=(3, 2)[: 1 + wide]
    )[:, 0]
    for number, (schedule, (times, rates)) in enumerate(zip(schedules, curves), 1):
        marks = [t for t, _ in schedule.rate.moments[:100]]
        label = f"{number}  {schedule.label}" if len(schedules) > 1 else schedule.label
        for axes in panels:
            drawn = np.asarray(rates, float)
            if axes is not panels[0]:
                drawn = np.where(drawn > 0, drawn, np.nan)
            axes.plot(
                times,
                drawn,
                color=color(number - 1),
                linestyle=line_style(number - 1),
                lw=1.5,
                marker=".",
                ms=7,
                markevery=[times.index(t) for t in marks],
                label=escape_math(label),
            )
    panels[0].set_ylim(bottom=0)
    panels[0].set_ylabel("learning rate")
    if wide:
        panels[1].set_yscale("log")
        panels[1].set_ylim(bottom=max(0.8 * min(positive), _DEEP * max(positive)))
        panels[1].set_ylabel("learning rate, logarithmic")
    panels[-1].set_xlabel("updates done")
    epochs = panels[0].secondary_xaxis(
        "top", functions=(lambda t: t / per_epoch, lambda epoch: epoch * per_epoch)
    )
    epochs.set_xlabel("epochs")
    for axes in panels:
        tidy(axes)
        axes.set_xlim(0, total)
    figure.legend(
        handles=panels[0].get_lines(),
        loc="outside lower left",
        fontsize="small",
        frameon=False,
        handlelength=3,
    )
    write_figure(figure, path, dpi=110)
