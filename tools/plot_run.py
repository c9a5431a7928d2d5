"""Compare trainings: `python tools/plot_run.py runs/a runs/b --out compare.png`."""

from __future__ import annotations

import argparse
import fnmatch
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

from densefit.callbacks.curves import main_keys
from densefit.callbacks.progress import duration
from densefit.errors import ConfigError
from densefit.model.heads.loss_terms import LossTerms
from densefit.registry import nearest
from densefit.tools.recipes.program import program
from densefit.tools.report.run_history import Run, directions, read_runs
from densefit.tools.report.table import shown
from densefit.visualize.plotting import (
    color,
    escape_math,
    line_style,
    log_scale_if_wide,
    new_figure,
    tidy,
    write_figure,
)

_MOST = 15  # panels in a picture
_TRAIN = ("update", "epoch")
_TIMES = ((7200.0, 3600.0, "hours"), (300.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


class Parser(argparse.ArgumentParser):
    """Tells mistakes as all tools do."""

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError."""
        raise ConfigError(message, fix="--help lists all settings")


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    return program(lambda: run(arguments))


def run(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, then draw the picture."""
    parser = Parser(
        description="Draw losses, scores and learning rates of runs, and tell their best scores.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("runs", nargs="*", metavar="RUN", help="run folders, or the .jsonl files in them")
    add("--out", default="compare.png", help="the picture (default: %(default)s)")
    add(
        "--keys",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="the numbers to compare, e.g. '*/mIoU' 'seg/IoU/*' (default: the losses, and the "
        "scores that metrics declare to be judged by)",
    )
    add(
        "--by",
        choices=["update", "time"],
        default="update",
        help="what they are drawn over (default: %(default)s)",
    )
    add(
        "--lower",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="scores of which lower is better, where no metric declares it",
    )
    chosen = parser.parse_args(arguments)
    runs = read_runs(chosen.runs)
    losses, scores = chosen_keys(runs, chosen.keys)
    print_best(runs, scores, chosen.lower)
    left_out = draw(runs, losses, scores, Path(chosen.out), by_time=chosen.by == "time")
    if left_out:
        print(f"not drawn, for want of space: {', '.join(left_out)} (choose by --keys)")
    print(f"wrote {chosen.out}")


def chosen_keys(runs: Sequence[Run], patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The training and the validation numbers to compare.

    By default those by which a metric is judged, as far as they are known: COCO's AP alone comes
    with eleven others. What is left out is told.

    Raises:
        ConfigError: a pattern matches none.
    """
    lines = [line for one in runs for line in one.lines]
    train, validation = main_keys(lines, _TRAIN), main_keys(lines, ("validation",))
    if not patterns:
        losses = [key for key in train if key.split("/")[-1] == LossTerms.primary] or train
        declared = directions()
        scores = [key for key in validation if key.split("/")[-1] in declared] or validation
        others = [key for key in validation if key not in scores]
        if others:
            print(f"other scores, for --keys: {', '.join(others)}")
        return losses, scores
    known: dict[str, set[str]] = {"train": set(), "validation": set()}
    for line in lines:  # what is undefined in all of them is not there
        kind = "train" if line["kind"] in _TRAIN else "validation"
        known[kind].update(key for key, value in line.items() if value is not None)
    every = {key for found in known.values() for key in found if "/" in key}
    for pattern in patterns:
        if not fnmatch.filter(every, pattern):
            raise ConfigError(
                f"No run has a number {pattern!r}", where="--keys", fix=nearest(pattern, every)
            )
    # In the order of the runs, so that what belongs together stays together.
    ordered = [key for key in dict.fromkeys(key for line in lines for key in line) if key in every]
    chosen = [key for key in ordered if any(fnmatch.fnmatchcase(key, own) for own in patterns)]
    return (
        [key for key in chosen if key in known["train"]],
        [key for key in chosen if key in known["validation"]],
    )


def print_best(runs: Sequence[Run], keys: Sequence[str], lower: Sequence[str]) -> None:
    """A table of how long each run was, and one of its best scores, marked where best of all."""
    console = Console(soft_wrap=True)
    about = Table()
    about.add_column("run", overflow="fold")
    for title in ("epochs", "updates", "time", "last learning rate"):
        about.add_column(title, justify="right")
    for one in runs:
        last = one.lines[-1]
        rate = "-" if last["lr"] is None else f"{last['lr']:.3g}"
        epochs = sum(line["kind"] == "epoch" for line in one.lines)
        time = duration(last["seconds"])
        about.add_row(Text(one.name), str(epochs), str(last["update"]), time, rate)
    console.print(about)
    if not keys:
        console.print("no validation scores")
        return
    declared, unsure = directions(), False
    table = Table()
    table.add_column("score", overflow="fold")
    table.add_column("run", overflow="fold")
    for title in ("best", "epoch", "update", "last"):
        table.add_column(title, justify="right")
    for key in keys:
        number = key.split("/")[-1]
        guessed = number not in declared
        higher = declared.get(number, True)
        if any(fnmatch.fnmatchcase(key, pattern) for pattern in lower):
            higher, guessed = False, False
        unsure |= guessed
        bests = [one.best(key, higher) for one in runs]
        values = [line[key] for line in bests if line is not None]
        top = (max if higher else min)(values, default=None)
        arrow = ("\N{UPWARDS ARROW}" if higher else "\N{DOWNWARDS ARROW}") + "?" * guessed
        for place, (one, line) in enumerate(zip(runs, bests)):
            named = Text(f"{key} {arrow}" if place == 0 else "")
            lasts = [own.get(key) for own in one.validations()]
            end = "-" if not lasts or lasts[-1] is None else shown(lasts[-1])
            if line is None:
                table.add_row(named, Text(one.name), "-", "-", "-", end)
                continue
            mark = "*" if len(runs) > 1 and line[key] == top else ""
            where = (str(line["epoch"] + 1), str(line["update"]))
            table.add_row(named, Text(one.name), mark + shown(line[key]), *where, end)
        table.add_section()
    console.print(table)
    if len(runs) > 1:
        console.print("* the best of all runs; epochs are counted from 1")
    if unsure:
        console.print("? no metric declares which way is better: say --lower PATTERN if lower is")


def draw(
    runs: Sequence[Run],
    losses: Sequence[str],
    scores: Sequence[str],
    path: Path,
    by_time: bool = False,
) -> list[str]:
    """A panel for each number, and one for the learning rate; one colour a run.

    Returns:
        The numbers for which there was no place.

    Raises:
        ConfigError: matplotlib is not installed, or knows no pictures of the file's ending.
    """
    wanted = [("training", key) for key in losses] + [("validation", key) for key in scores]
    panels = [*wanted[: _MOST - 1], ("", "lr")]
    columns = 1 if len(panels) <= 2 else 2 if len(panels) <= 8 else 3
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(5.5 * columns + 1, 2.6 * rows + 0.6)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    latest = max(line["seconds"] for one in runs for line in one.lines)
    unit, label = next((unit, label) for least, unit, label in _TIMES if latest >= least)
    for axes, (kind, key) in zip(grid, panels):
        for place, one in enumerate(runs):
            style = {"color": color(place), "ls": line_style(place)}
            for points, extra in _curves(one, kind, key):
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
        grid[0].plot([], [], color=color(place), ls=line_style(place))[0]
        for place in range(len(runs))
    ]
    figure.legend(
        entries,
        [escape_math(one.name) for one in runs],
        loc="outside upper left",
        ncols=max(1, min(len(runs), 2 * columns)),
        frameon=False,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_figure(figure, path, dpi=120)
    except ValueError as error:  # of the file's ending
        raise ConfigError(
            f"The picture cannot be written: {error}", where=path, fix="--out compare.png"
        ) from error
    return [f"{kind} {key}" for kind, key in wanted[_MOST - 1 :]]


def _curves(one: Run, kind: str, key: str) -> list[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """The lines with a number, and how they are drawn: thin within epochs, thick over them."""
    having = [line for line in one.lines if key in line]
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


if __name__ == "__main__":
    sys.exit(main())
