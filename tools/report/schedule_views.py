"""Learning rates over a training: as a table, as lines of characters, and as a picture."""

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
_POINTS = 2000  # of a curve
_WIDE = 30.0  # between the highest and the lowest rate: more is drawn in a logarithmic scale too
_DEEP = 1e-5  # of the highest rate: the lowest that the logarithmic scale shows


@dataclass(frozen=True)
class Shown:
    """A schedule to show.

    Attributes:
        label: name in tables and legends.
        rate: learning rate by number of updates done.
        scored: whether the schedule depends on scores.
    """

    label: str
    rate: Resolved
    scored: bool = False


Numbered = tuple[int | None, Shown]


def print_rates(shown: Sequence[Shown], total: int, per_epoch: int) -> None:
    """Print each schedule as a line of characters, and their rates at notable moments."""
    console = Console(soft_wrap=True)
    for number, one in enumerate(shown, 1):
        peak = max(sampled(one.rate, total)[1])
        name = f"{number}  {one.label}" + ("  (while scores improve)" if one.scored else "")
        console.print(Text(name, style="bold"))
        console.print(Text(f"   {sparkline(one.rate, total)}  up to {peak:.4g}"))
    title = Text(f"{total:,} updates, {total / per_epoch:.4g} epochs of {per_epoch:,}")
    console.print(title)
    numbered = list(enumerate(shown, 1))
    columns = max(1, (console.width - _OTHERS) // _COLUMN)
    for start in range(0, len(numbered), columns):
        console.print(_table(numbered[start : start + columns], len(shown) > 1, total, per_epoch))


def _table(group: Sequence[Numbered], several: bool, total: int, per_epoch: int) -> Table:
    """The schedules that fit beside each other; where there are several, they have numbers."""
    rows, left_out = moments(group if several else [(None, one) for _, one in group], total)
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
        rates = [f"{one.rate(t):.4g}" for _, one in group]
        table.add_row(f"{t:,}", f"{t / per_epoch:.4g}", *rates, Text(", ".join(what)))
    return table


def moments(group: Sequence[Numbered], total: int) -> tuple[dict[int, list[str]], int]:
    """Notable updates with their descriptions, in order, and the number of those left out."""
    found: dict[int, list[str]] = {}
    quarters = {total * part // 100: f"{part} %" for part in (25, 50, 75)}
    for t, what in [(0, "first"), *quarters.items(), (total - 1, "last"), (total, "after the end")]:
        found.setdefault(t, []).append(what)
    left_out = 0
    for number, one in group:
        for t, what in one.rate.moments[:_MARKS]:
            found.setdefault(t, []).append(what if number is None else f"{number}: {what}")
        left_out += len(one.rate.moments[_MARKS:])
    return {t: found[t] for t in sorted(found)}, left_out


def sparkline(rate: Resolved, total: int, width: int = _WIDTH) -> str:
    """Draw the rates as a line of block characters, relative to the highest rate; 0 is blank.

    Each character is the mean of its part of the training.

    >>> from densefit.train.schedules import Linear
    >>> sparkline(Linear(1.0).resolve(8), total=8)
    '█▇▆▅▄▃▂▁'
    """
    times, rates = (np.asarray(values) for values in sampled(rate, total))
    places = times * min(width, total) // total
    counts = np.bincount(places)
    sums = np.bincount(places, rates)
    means = sums / counts
    steps = np.ceil(means / max(means.max(), np.finfo(float).tiny) * len(_BLOCKS)).astype(int)
    return "".join((" " + _BLOCKS)[step] for step in steps.tolist())


def sampled(rate: Resolved, total: int) -> tuple[list[int], list[float]]:
    """Sample (updates, rates): up to 2,000 updates, and all marked ones with their predecessors."""
    evenly = np.linspace(0, total - 1, min(total, _POINTS)).round().astype(int)
    marked = [t for t, _ in rate.moments]
    times = sorted({*evenly.tolist(), *marked, *(t - 1 for t in marked)})
    return times, [rate(t) for t in times]


def plot_rates(path: Path, shown: Sequence[Shown], total: int, per_epoch: int) -> None:
    """Plot all schedules with their marks; also on a logarithmic scale for wide ranges.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    curves = [sampled(one.rate, total) for one in shown]
    positive = [rate for _, rates in curves for rate in rates if rate > 0]
    wide = bool(positive) and max(positive) / min(positive) > _WIDE
    figure = new_figure(9, (6 if wide else 3.8) + 0.21 * len(shown))
    panels = figure.subplots(
        1 + wide, 1, sharex=True, squeeze=False, height_ratios=(3, 2)[: 1 + wide]
    )[:, 0]
    for number, (one, (times, rates)) in enumerate(zip(shown, curves), 1):
        marks = [t for t, _ in one.rate.moments[:100]]
        label = f"{number}  {one.label}" if len(shown) > 1 else one.label
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
