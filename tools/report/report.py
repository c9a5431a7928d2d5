"""Report scores: tables on the terminal, files and plots in a folder."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from densefit.errors import writing
from densefit.evaluation.update_metrics import compute_metrics
from densefit.metrics.core.bootstrap import confidence_intervals
from densefit.metrics.core.detail import Matrix
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.per_sample import PerSample
from densefit.metrics.core.unreadable import sample_counts
from densefit.tools.report.class_scores import ClassScores
from densefit.tools.report.plots import (
    plot_curves,
    plot_matrix,
    write_curves,
    write_matrix,
)
from densefit.tools.report.table import Interval, by_class, columns_of, print_scores
from densefit.tools.report.worst import Pictures, write_worst
from densefit.visualize.plotting import is_available

_LEVEL = 0.95
#: Function of (head, its scores).
ClassesOf = Callable[[str, Mapping[str, float]], ClassScores | None]


def report(
    out: Path | None,
    metrics: Mapping[str, Sequence[Metric]],
    title: str,
    about: Mapping[str, Any],
    bootstrap: int = 0,
    seed: int = 0,
    worst: int = 12,
    pictures: Pictures | Mapping[str, Pictures] | None = None,
    classes: ClassesOf = lambda head, scores: None,
) -> dict[str, float]:
    """Print the scores of metrics that have seen the whole dataset, and write them to a folder.

    Files (`<head>_` is omitted for the head ""):

    - scores.json: {"<head>/<key>": number}, null if undefined; with `bootstrap` also "<key>.low"
      and "<key>.high" for scores of the whole dataset.
    - scored.json: `about`.
    - <head>_classes.csv: a row for each class, a column for each score, in full precision.
    - classes.json: {"<head>": {"classes": {"<class>": {...}}, "confusion": {...}}}, what is printed
      of the classes.
    - <head>_<name>.png and .csv for each of the metrics' `details()`, e.g. "confusion".
    - worst.csv and <head>_worst.png, for `PerSample` metrics.

    Args:
        out: output folder; None only prints.
        metrics: head -> metrics; the head "" if there are no heads.
        title: description of the scored data, for the terminal.
        about: description of the scored data as JSON values.
        bootstrap: resamples of the dataset for 95 % intervals, 0 for none; applies to
            `PerSample(..., keep_states=True)` metrics.
        seed: seed of the resampling.
        worst: number of worst samples to list and draw.
        pictures: function from a sample id to drawings side by side, ground truth first; or head
            -> such a function.
        classes: function of a head and its scores that gives what is printed of its classes; None
            for their scores.

    Returns:
        The content of scores.json, with nan for undefined scores.

    Raises:
        ConfigError: two metrics of a head have a score of the same name.
    """
    numbers = {head: _scores_of(head, metrics[head]) for head in metrics}
    with Console(stderr=True).status(f"{bootstrap} resamples"):
        intervals = {head: _intervals(metrics[head], bootstrap, seed) for head in metrics}
    scores: dict[str, float] = {}
    for head, head_scores in numbers.items():
        scores.update({_key(head, key): value for key, value in head_scores.items()})
        for key, (low, high) in intervals[head].items():
            scores[_key(head, f"{key}.low")], scores[_key(head, f"{key}.high")] = low, high
    if about.get("unreadable"):
        unreadable = about["unreadable"]
        scores.update(sample_counts(about["samples"] - unreadable, unreadable))
    tables = {
        head: table
        for head, head_scores in numbers.items()
        if (table := classes(head, head_scores)) is not None
    }
    written: list[str] = []
    if out is not None:  # before printing: the reader of a pipe may go away
        about = dict(about)
        if bootstrap:
            about["bootstrap"] = {"resamples": bootstrap, "level": _LEVEL, "seed": seed}
        write_scores(out, scores, about)
        written = ["scores.json", "scored.json"]
        for head, head_scores in numbers.items():
            written += _write_classes(out, head, head_scores, tables.get(head))
            written += _write_details(out, head, metrics[head])
        if tables:
            tables_by_head = {head: table.values() for head, table in tables.items()}
            write_json(out / "classes.json", tables_by_head)
            written.append("classes.json")
        if not isinstance(pictures, Mapping):
            pictures = {} if pictures is None else dict.fromkeys(metrics, pictures)
        names = {head: file_name(head, "worst.png") for head in metrics}
        written += write_worst(out, metrics, worst, pictures, names)
    print_scores(numbers, title, intervals, tables)
    if out is not None:
        print(f"wrote to {out}: {', '.join(written)}")
        if not is_available() and any(
            metric.details() for head_scores in metrics.values() for metric in head_scores
        ):
            print("without matplotlib there are no plots: pip install densefit[plot]")
    return scores


def write_scores(out: Path, scores: Mapping[str, float], about: Mapping[str, Any]) -> None:
    """Write scores.json, with null for undefined scores, and scored.json, what was scored."""
    out.mkdir(parents=True, exist_ok=True)
    write_numbers(out / "scores.json", scores)
    write_json(out / "scored.json", dict(about))


def write_numbers(path: Path, numbers: Mapping[str, float]) -> None:
    """Write numbers by name as JSON, with null for those that are not finite."""
    flat = {key: value if math.isfinite(value) else None for key, value in numbers.items()}
    write_json(path, flat)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    with writing(path):
        path.write_text(text + "\n", encoding="utf-8")


def file_name(head: str, name: str) -> str:
    """Make a valid file name `<head>_<name>`.

    >>> file_name("", "AP/s"), file_name("left eye", "worst.png")
    ('AP-s', 'left eye_worst.png')
    """
    name = re.sub(r"[^\w.-]", "-", name)
    return f"{head}_{name}" if head else name


def _key(head: str, key: str) -> str:
    return f"{head}/{key}" if head else key


def _scores_of(head: str, metrics: Sequence[Metric]) -> dict[str, float]:
    scores = compute_metrics({head: metrics})
    return {key[len(head) + 1 :]: value for key, value in scores.items()}


def _intervals(metrics: Sequence[Metric], bootstrap: int, seed: int) -> dict[str, Interval]:
    """Confidence intervals by key, for scores that are not of a class."""
    intervals: dict[str, Interval] = {}
    if bootstrap:
        for metric in metrics:
            if isinstance(metric, PerSample):
                intervals.update(confidence_intervals(metric, bootstrap, _LEVEL, seed, _is_overall))
    return intervals


def _is_overall(key: str) -> bool:
    """Whether a score is not of a class."""
    return "/" not in key


def _write_classes(
    out: Path, head: str, numbers: Mapping[str, float], table: ClassScores | None
) -> list[str]:
    """Write the scores of the classes, behind what is printed of them."""
    rows = {} if table is None else table.rows
    _, scores = by_class(numbers)
    names = dict.fromkeys([*rows, *scores])
    classes = {name: {**rows.get(name, {}), **scores.get(name, {})} for name in names}
    if not classes:
        return []
    name = file_name(head, "classes.csv")
    columns = columns_of(classes)
    with writing(out / name), open(out / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["class", *columns])
        for label, class_scores in classes.items():
            values = [class_scores.get(column, math.nan) for column in columns]
            writer.writerow([label, *("" if math.isnan(value) else value for value in values)])
    return [name]


def _write_details(out: Path, head: str, metrics: Sequence[Metric]) -> list[str]:
    """Write the metrics' details as CSV and, with matplotlib, as images."""
    written: list[str] = []
    for metric in metrics:
        for name, detail in metric.details().items():
            stem = file_name(head, name)
            if f"{stem}.csv" in written:  # another metric of the head has this detail
                stem = file_name(head, f"{name}_{metric.name}")
            table, picture = out / f"{stem}.csv", out / f"{stem}.png"
            if isinstance(detail, Matrix):
                write_matrix(table, detail)
            else:
                write_curves(table, detail)
            written.append(table.name)
            if not is_available():
                continue
            if isinstance(detail, Matrix):
                plot_matrix(picture, detail)
            else:
                plot_curves(picture, detail, *_values(metric))
            written.append(picture.name)
    return written


def _values(metric: Metric) -> tuple[dict[str, float], str]:
    """Scores for the legend of the classes' curves: AP50 if the metric has it."""
    _, classes = by_class(metric.compute())
    columns = columns_of(classes)
    if not columns:
        return {}, ""
    number = "AP50" if "AP50" in columns else columns[0]
    return {
        name: class_scores[number]
        for name, class_scores in classes.items()
        if number in class_scores
    }, number
