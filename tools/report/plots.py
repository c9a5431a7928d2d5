"""Plot confusion matrices and curves, and write them as CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.errors import writing
from densefit.metrics.core.detail import Curve, Curves, Matrix
from densefit.visualize.plotting import (
    color,
    escape_math,
    legend_beside,
    new_figure,
    tidy,
    write_figure,
)

# Largest number of classes with numbers in the cells, and with a legend entry for each curve.
_CELLS, _NAMED = 32, 10
_POINTS = 1000  # largest number of points of a line
_LONGEST = 24  # characters of a name
_GREY = "0.8"


def plot_matrix(path: Path, matrix: Matrix) -> None:
    """Plot a confusion matrix as PNG: colours and percentages are shares of each true class.

    Colours follow the square root of the share, so that rare confusions stay visible. Shares that
    round to zero have no number; the row of a class without ground truth is grey.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    count = len(matrix.names)
    cell = 0.85 if count <= 6 else 0.42 if count <= _CELLS else min(0.17, 24 / count)  # inches
    letters = 10 if count <= 6 else 8 if count <= _CELLS else 38 * cell
    longest = max(len(_short(name)) for name in matrix.names)
    side = count * cell + 0.6 + longest * letters / 115
    figure = new_figure(max(side + 1.0, 3.6), max(side + 0.3, 3.0))
    from matplotlib import colormaps  # new_figure has raised if matplotlib is missing
    from matplotlib.colors import PowerNorm

    axes = figure.subplots()
    totals = matrix.counts.sum(axis=1, keepdims=True)
    shares = np.full(matrix.counts.shape, np.nan)
    np.divide(100.0 * matrix.counts, totals, out=shares, where=totals > 0)
    colours = colormaps["Blues"].with_extremes(bad=_GREY)
    image = axes.imshow(shares, cmap=colours, norm=PowerNorm(0.5, vmin=0, vmax=100))
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(f"{int(totals.sum()):,} {matrix.what}", fontsize=10)
    _name_cells(axes, matrix.names, letters, upright=count <= 6 and longest <= 10)
    if count <= _CELLS:
        digits = 1 if count <= 6 else 0
        for row, column in np.argwhere(shares >= 0.5 * 10**-digits):
            share = shares[row, column]
            axes.text(
                column,
                row,
                f"{share:.{digits}f}",
                ha="center",
                va="center",
                fontsize=letters,
                color="white" if share > 30 else "black",
            )
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=30, pad=0.02)
    bar.set_ticks([0, 1, 5, 10, 25, 50, 75, 100])
    bar.set_label("% of the true class")
    bar.outline.set_visible(False)
    write_figure(figure, path, dpi=110, crops=True)


def _name_cells(axes: Any, names: Sequence[str], letters: float, upright: bool) -> None:
    """Label rows and columns, with lines between them, unless the labels would be too small."""
    if letters < 3:
        axes.set(xticks=[], yticks=[])
        return
    labels, edges = [_short(name) for name in names], np.arange(len(names) + 1)
    axes.set_xticks(edges[:-1], labels, rotation=0 if upright else 90, fontsize=letters)
    axes.set_yticks(edges[:-1], labels, fontsize=letters)
    axes.set_xticks(edges - 0.5, minor=True)
    axes.set_yticks(edges - 0.5, minor=True)
    axes.grid(which="minor", color="white" if len(names) > 6 else "0.9", lw=0.4)
    axes.tick_params(which="both", length=0)


def write_matrix(path: Path, matrix: Matrix) -> None:
    """Write the counts as CSV: a row for each true class, a column for each predicted class."""
    with writing(path), open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["true \\ predicted", *matrix.names])
        for name, row in zip(matrix.names, matrix.counts.tolist()):
            writer.writerow([name, *row])


def plot_curves(
    path: Path, curves: Curves, values: Mapping[str, float] | None = None, number: str = ""
) -> None:
    """Plot curves as PNG; of many curves, only the best and the worst have a legend entry.

    Args:
        path: path of the PNG file.
        curves: curves to plot; a line without a defined point and without a value is left out.
        values: line -> value for the legend and for ranking; by default lines are ranked by their
            mean y.
        number: name of the values.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    defined = {
        name: value
        for name, value in (values or {}).items()
        if name in curves.lines and not math.isnan(value)
    }
    lines = {name: _thinned(curve) for name, curve in curves.lines.items()}
    # A class without detections has a value, but no point.
    lines = {name: line for name, line in lines.items() if len(line.x) or name in defined}
    figure = new_figure(8.2, 5.2)
    axes = figure.subplots()
    named, unnamed = _chosen(lines, defined)
    for name in unnamed:
        axes.plot(lines[name].x, lines[name].y, color=_GREY, lw=0.7, zorder=1)
    for index, name in enumerate(named):
        if unnamed and index == _NAMED // 2:
            axes.plot([], [], color=_GREY, lw=1.5, label=f"{len(unnamed)} others")
        label = _short(name) + (f"  {defined[name]:.3f}" if name in defined else "")
        axes.plot(lines[name].x, lines[name].y, color=color(index), lw=1.4, label=label)
    if curves.x_label.lower() == "recall" and len(lines) > 1:
        mean = _mean(list(lines.values()))
        label = "mean" + (f"  {np.mean(list(defined.values())):.3f}" if defined else "")
        axes.plot(mean.x, mean.y, color="black", lw=2.4, label=label, zorder=3)
    if all(_within(line) for line in lines.values()):
        axes.set(xlim=(0, 1.005), ylim=(0, 1.02))
    axes.set(xlabel=curves.x_label, ylabel=curves.y_label)
    axes.set_title(curves.title, fontsize=10)
    tidy(axes)
    legend_beside(axes, len(lines), number if defined else None)
    write_figure(figure, path, dpi=110, crops=True)


def write_curves(path: Path, curves: Curves) -> None:
    """Write the points as CSV, at most 1,000 per line; without a score the last cell is empty."""
    with writing(path), open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["line", curves.x_label, curves.y_label, "score"])
        for name, curve in curves.lines.items():
            line = _thinned(curve)
            scores = [""] * len(line.x) if line.threshold is None else line.threshold.tolist()
            for x, y, score in zip(line.x.tolist(), line.y.tolist(), scores):
                writer.writerow([name, x, y, score])


def _thinned(curve: Curve) -> Curve:
    """Select the defined points, at most 1,000 evenly spread ones with both ends."""
    x, y = np.asarray(curve.x, np.float64), np.asarray(curve.y, np.float64)
    rows = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if len(rows) > _POINTS:
        rows = rows[np.linspace(0, len(rows) - 1, _POINTS).round().astype(int)]
    scores = None if curve.threshold is None else np.asarray(curve.threshold)[rows]
    return Curve(x[rows], y[rows], scores)


def _chosen(lines: Mapping[str, Curve], values: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """(lines with a legend entry: all, or the best and then the worst; the other lines)."""

    def value(name: str) -> float:
        y = lines[name].y
        return values.get(name, float(y.mean()) if len(y) else 0.0)

    if len(lines) <= _NAMED:
        return list(lines), []
    ranked = sorted(lines, key=value, reverse=True)
    half = _NAMED // 2
    return ranked[:half] + ranked[-half:], ranked[half:-half]


def _mean(lines: Sequence[Curve]) -> Curve:
    """Mean over lines of the highest precision at or above each recall 0, 0.01 ... 1."""
    grid = np.linspace(0.0, 1.0, 101)
    total = np.zeros(len(grid))
    for line in lines:
        order = np.argsort(line.x, kind="stable")
        x, best = line.x[order], np.maximum.accumulate(line.y[order][::-1])[::-1]
        total += np.append(best, 0.0)[np.searchsorted(x, grid - 1e-12)]
    return Curve(grid, total / len(lines))


def _within(line: Curve) -> bool:
    """Whether all points of a line lie in [0, 1]."""
    both = np.concatenate([line.x, line.y])
    return bool(((both >= 0) & (both <= 1)).all())


def _short(name: str) -> str:
    """Shorten a name and escape it for matplotlib."""
    cut = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."
    return escape_math(f" {cut}" if cut.startswith("_") else cut)
