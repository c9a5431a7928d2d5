"""Choose the numbers to compare between runs, and print their best scores."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from densefit.callbacks.curve_series import main_keys
from densefit.callbacks.pace import duration
from densefit.errors import ConfigError
from densefit.model.heads.loss_terms import LossTerms
from densefit.registry import nearest
from densefit.tools.report.run_history import Run, directions
from densefit.tools.report.table import format_score

_TRAIN = ("update", "epoch")


def chosen_keys(runs: Sequence[Run], patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Choose the training and the validation numbers to compare.

    By default these are the losses and the metrics' primary scores (COCO's AP comes with eleven
    other scores); names of the other scores are printed.

    Raises:
        ConfigError: a pattern matches no number.
    """
    lines = [line for run in runs for line in run.lines]
    train, validation = main_keys(lines, _TRAIN), main_keys(lines, ("validation",))
    if not patterns:
        losses = [key for key in train if key.split("/")[-1] == LossTerms.primary] or train
        declared = directions()
        scores = [key for key in validation if key.split("/")[-1] in declared] or validation
        other_scores = [key for key in validation if key not in scores]
        if other_scores:
            print(f"other scores, for --keys: {', '.join(other_scores)}")
        return losses, scores
    available: dict[str, set[str]] = {"train": set(), "validation": set()}
    for line in lines:  # a number that is never defined cannot be chosen
        kind = "train" if line["kind"] in _TRAIN else "validation"
        available[kind].update(key for key, value in line.items() if value is not None)
    every = {key for numbers in available.values() for key in numbers if "/" in key}
    for pattern in patterns:
        if not fnmatch.filter(every, pattern):
            raise ConfigError(
                f"No run has a number {pattern!r}", where="--keys", fix=nearest(pattern, every)
            )
    # In the order of the runs, which keeps related numbers together.
    ordered = [key for key in dict.fromkeys(key for line in lines for key in line) if key in every]
    chosen = [
        key for key in ordered if any(fnmatch.fnmatchcase(key, pattern) for pattern in patterns)
    ]
    return (
        [key for key in chosen if key in available["train"]],
        [key for key in chosen if key in available["validation"]],
    )


def print_best(runs: Sequence[Run], keys: Sequence[str], lower: Sequence[str]) -> None:
    """Print tables of the runs' lengths and best scores, with a mark at the best of all runs."""
    console = Console(soft_wrap=True)
    about = Table()
    about.add_column("run", overflow="fold")
    for title in ("epochs", "updates", "time", "last learning rate"):
        about.add_column(title, justify="right")
    for run in runs:
        last = run.lines[-1]
        rate = "-" if last["lr"] is None else f"{last['lr']:.3g}"
        epochs = sum(line["kind"] == "epoch" for line in run.lines)
        time = duration(last["seconds"])
        about.add_row(Text(run.name), str(epochs), str(last["update"]), time, rate)
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
        bests = [run.best(key, higher) for run in runs]
        values = [line[key] for line in bests if line is not None]
        top = (max if higher else min)(values, default=None)
        arrow = ("\N{UPWARDS ARROW}" if higher else "\N{DOWNWARDS ARROW}") + "?" * guessed
        for index, (run, line) in enumerate(zip(runs, bests)):
            named = Text(f"{key} {arrow}" if index == 0 else "")
            lasts = [record.get(key) for record in run.validations()]
            end = "-" if not lasts or lasts[-1] is None else format_score(lasts[-1])
            if line is None:
                table.add_row(named, Text(run.name), "-", "-", "-", end)
                continue
            mark = "*" if len(runs) > 1 and line[key] == top else ""
            where = (str(line["epoch"] + 1), str(line["update"]))
            table.add_row(named, Text(run.name), mark + format_score(line[key]), *where, end)
        table.add_section()
    console.print(table)
    if len(runs) > 1:
        console.print("* the best of all runs; epochs are counted from 1")
    if unsure:
        console.print("? no metric declares whether higher is better: --lower PATTERN if lower is")
