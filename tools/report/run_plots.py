"""Plot losses, scores and learning rates of several runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from densefit.errors import ConfigError
from densefit.tools.report.run_history import Run
from densefit.visualize.plotting import (
    color,
    escape_math,
    line_style,
    log_scale_if_wide,
    new_figure,
    tidy,
    write_figure,
)

_MOST = 15  # panels of a figure


_TIMES = ((7200.0, 3600.0, "hours"), (300.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


def draw(
    runs: Sequence[Run],
    losses: Sequence[str],
    scores: Sequence[str],
    path: Path,
    by_time: bool = False,
) -> list[str]:
    """Plot a panel for each number, and one for the learning rate; a colour for each run.

    Returns:
        Names of the numbers that did not fit.

    Raises:
        ConfigError: matplotlib is not installed, or does not support the file's extension.
    """
    numbers = [("training", key) for key in losses] + [("validation", key) for key in scores]
    panels = [*numbers[: _MOST - 1], ("", "lr")]
    columns = 1 if len(panels) <= 2 else 2 if len(panels) <= 8 else 3
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(5.5 * columns + 1, 2.6 * rows + 0.6)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    latest = max(line["seconds"] for run in runs for line in run.lines)
    unit, label = next((unit, label) for least, unit, label in _TIMES if latest >= least)
    for axes, (kind, key) in zip(grid, panels):
        for index, run in enumerate(runs):
            style = {"color": color(index), "ls": line_style(index)}
            for points, extra in _curves(run, kind, key):
                x = [line["seconds"] / unit if by_time else line["update"] for line in points]
                y = [math.nan if line[key] is None else line[key] for line in points]
                axes.plot(x, y, **{**style, **extra})
        axes.set_title(f"{kind} {key}" if kind else "learning rate", fontsize=10, loc="left")
        tidy(axes)
        if kind == "training":
            log_scale_if_wide(axes)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[max(0, len(panels) - columns) : len(panels)]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(label if by_time else "update")
    entries = [
        grid[0].plot([], [], color=color(index), ls=line_style(index))[0]
        for index in range(len(runs))
    ]
    figure.legend(
        entries,
        [escape_math(run.name) for run in runs],
        loc="outside upper left",
        ncols=max(1, min(len(runs), 2 * columns)),
        frameon=False,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_figure(figure, path, dpi=120)
    except ValueError as error:  # an unknown extension
        raise ConfigError(
            f"The figure cannot be written: {error}", where=path, fix="--out compare.png"
        ) from error
    return [f"{kind} {key}" for kind, key in numbers[_MOST - 1 :]]


def _curves(run: Run, kind: str, key: str) -> list[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Records with a number and their line style: thin within epochs, thick over epochs."""
    having = [line for line in run.lines if key in line]
    if not kind:
        return [(having, {"lw": 1.2})]
    if kind == "validation":
        return [([line for line in having if line["kind"] == kind], {"marker": "o", "ms": 3})]
    within = [line for line in having if line["kind"] == "update"]
    whole = [line for line in having if line["kind"] == "epoch"]
    return [
        (within, {"lw": 0.7, "alpha": 0.35 if whole else 1.0}),
        (whole, {"lw": 1.6, "marker": "o", "ms": 2.5}),
    ]
