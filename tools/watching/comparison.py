"""Several runs side by side: a row and a line for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.callbacks.curve_series import main_keys
from densefit.callbacks.pace import duration
from densefit.model.heads.loss_terms import LossTerms
from densefit.tools.page.charts import COLORS, Chart, Line, chart
from densefit.tools.page.run_files import RunFiles
from densefit.tools.page.training_charts import series
from densefit.tools.report.run_history import Run, directions
from densefit.tools.report.table import format_score
from densefit.tools.watching.runs import FoundRun

_SCORES = 6  # columns of a row


@dataclass(frozen=True)
class RunRow:
    """A run in the table: its number of color, state, position, and best scores."""

    name: str
    color: int
    state: str
    position: str
    time: str
    scores: Sequence[str]


@dataclass(frozen=True)
class Comparison:
    """Rows and charts of runs; `scores` are the titles of the rows' last columns."""

    rows: Sequence[RunRow]
    scores: Sequence[str]
    charts: Sequence[Chart]


def compare(runs: Sequence[tuple[FoundRun, RunFiles]]) -> Comparison:
    """Compare losses and primary scores of runs.

    Args:
        runs: runs with their files, at most as many as there are colors.
    """
    lines = [line for _, files in runs for line in files.lines]
    losses = [
        key
        for key in main_keys(lines, ("update", "epoch"))
        if key.rpartition("/")[2] == LossTerms.primary
    ]
    higher = directions()
    validated = main_keys(lines, ("validation",))
    scores = [key for key in validated if key.rpartition("/")[2] in higher] or validated
    scores = scores[:_SCORES]
    charts = [_chart(runs, key, key, "epoch", may_be_log=True) for key in losses]
    charts += [_chart(runs, key, f"{key} on validation data", "validation") for key in scores]
    rows = [_row(index, run, files, scores, higher) for index, (run, files) in enumerate(runs)]
    return Comparison(rows, scores, [each for each in charts if each is not None])


def _chart(
    runs: Sequence[tuple[FoundRun, RunFiles]],
    key: str,
    title: str,
    kind: str,
    may_be_log: bool = False,
) -> Chart | None:
    """A line for each run with the number; within the first epoch its updates."""
    drawn = []
    for index, (run, files) in enumerate(runs):
        x, y = series(files.lines, key, kind)
        if len(x) < 2 and kind == "epoch":
            x, y = series(files.lines, key, "update")
        if x:
            drawn.append(Line(run.name, x, y, color=index if index < COLORS else -1))
    if sum(len(line.x) for line in drawn) < 2:
        return None  # a point alone: the table has it
    label = "loss" if kind == "epoch" else "score"
    return chart(title, "update", label, drawn, may_be_log=may_be_log)


def _row(
    index: int,
    run: FoundRun,
    files: RunFiles,
    scores: Sequence[str],
    higher: Mapping[str, bool],
) -> RunRow:
    last: Mapping[str, Any] = files.lines[-1] if files.lines else {}
    history = Run(run.name, files.lines)
    cells = []
    for key in scores:
        best = history.best(key, higher.get(key.rpartition("/")[2], True))
        cells.append("-" if best is None else format_score(best[key]))
    return RunRow(
        run.name,
        index,
        "finished" if run.is_finished else "running",
        f"epoch {last['epoch'] + 1}, update {last['update']:,}" if last else "not begun",
        duration(last["seconds"]) if last else "-",
        cells,
    )
