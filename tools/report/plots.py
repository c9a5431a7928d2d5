"""Confusion matrices and curves, as pictures and as CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.errors import writing
from densefit.metrics.core.detail import Curve, Curves, Matrix
from densefit.visualize.plotting import color, escape_math, legend_beside, new_figure, tidy

# Up to this many classes, cells have numbers and curves have names.
_CELLS, _NAMED = 32, 10
_POINTS = 1000  # of a line in a file or picture
_LONGEST = 24  # letters of a name
_GREY = "0.8"


def plot_matrix(path: Path, matrix: Matrix) -> None:
    """A confusion matrix as PNG: colours and percentages are shares of each true class.

    Colours grow with the root of the share, so that few but systematic confusions are seen. What
    rounds to zero has no number, and the row of a class that is not in the truth is grey.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    count = len(matrix.names)
    cell = 0.85 if count <= 6 else 0.42 if count <= _CELLS else min(0.17, 24 / count)  # inches
    letters = 10 if count <= 6 else 8 if count <= _CELLS else 38 * cell
    longest = max(len(_short(name)) for name in matrix.names)
    side = count * cell + 0.6 + longest * letters / 115
    figure = new_figure(max(side + 1.0, 3.6), max(side + 0.3, 3.0))
    from matplotlib import colormaps  # new_figure says so if there is none
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
    with writing(path):
        figure.savefig(path, dpi=110, bbox_inches="tight")


def _name_cells(axes: Any, names: Sequence[str], letters: float, upright: bool) -> None:
    """Names at the rows and columns, and lines between them; nothing if they would be too small."""
    if letters < 3:
        axes.set(xticks=[], yticks=[])
        return
    shown, places = [_short(name) for name in names], np.arange(len(names) + 1)
    axes.set_xticks(places[:-1], shown, rotation=0 if upright else 90, fontsize=letters)
    axes.set_yticks(places[:-1], shown, fontsize=letters)
    axes.set_xticks(places - 0.5, minor=True)
    axes.set_yticks(places - 0.5, minor=True)
    axes.grid(which="minor", color="white" if len(names) > 6 else "0.9", lw=0.4)
    axes.tick_params(which="both", length=0)


def write_matrix(path: Path, matrix: Matrix) -> None:
    """The counts as CSV: a row a true class, a column a predicted one."""
    with writing(path), open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["true \\ predicted", *matrix.names])
        for name, row in zip(matrix.names, matrix.counts.tolist()):
            writer.writerow([name, *row])


def plot_curves(
    path: Path, curves: Curves, values: Mapping[str, float] | None = None, number: str = ""
) -> None:
    """Curves as PNG; of many, the mean and the best and the worst are named.

    Args:
        path: of the picture.
        curves: what to draw; a line without a defined point and without a value is left out.
        values: line -> a number of it for the legend, by which they are ranked too; by default
            they are ranked by the mean of y.
        number: what the values are.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    known = {
        name: value
        for name, value in (values or {}).items()
        if name in curves.lines and not math.isnan(value)
    }
    lines = {name: _thinned(curve) for name, curve in curves.lines.items()}
    # A class that was never found has a value, but no point.
    lines = {name: line for name, line in lines.items() if len(line.x) or name in known}
    figure = new_figure(8.2, 5.2)
    axes = figure.subplots()
    named, others = _chosen(lines, known)
    for name in others:
        axes.plot(lines[name].x, lines[name].y, color=_GREY, lw=0.7, zorder=1)
    for place, name in enumerate(named):
        if others and place == _NAMED // 2:
            axes.plot([], [], color=_GREY, lw=1.5, label=f"{len(others)} others")
        label = _short(name) + (f"  {known[name]:.3f}" if name in known else "")
        axes.plot(lines[name].x, lines[name].y, color=color(place), lw=1.4, label=label)
    if curves.x_label.lower() == "recall" and len(lines) > 1:
        mean = _mean(list(lines.values()))
        label = "mean" + (f"  {np.mean(list(known.values())):.3f}" if known else "")
        axes.plot(mean.x, mean.y, color="black", lw=2.4, label=label, zorder=3)
    if all(_within(line) for line in lines.values()):
        axes.set(xlim=(0, 1.005), ylim=(0, 1.02))
    axes.set(xlabel=curves.x_label, ylabel=curves.y_label)
    axes.set_title(curves.title, fontsize=10)
    tidy(axes)
    legend_beside(axes, len(lines), number if known else None)
    with writing(path):
        figure.savefig(path, dpi=110, bbox_inches="tight")


def write_curves(path: Path, curves: Curves) -> None:
    """The points as CSV, at most 1,000 of a line; without a score the last cell is empty."""
    with writing(path), open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["line", curves.x_label, curves.y_label, "score"])
        for name, curve in curves.lines.items():
            line = _thinned(curve)
            scores = [""] * len(line.x) if line.threshold is None else line.threshold.tolist()
            for x, y, score in zip(line.x.tolist(), line.y.tolist(), scores):
                writer.writerow([name, x, y, score])


def _thinned(curve: Curve) -> Curve:
    """The defined points, at most 1,000 of them: evenly chosen, with both ends."""
    x, y = np.asarray(curve.x, np.float64), np.asarray(curve.y, np.float64)
    kept = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if len(kept) > _POINTS:
        kept = kept[np.linspace(0, len(kept) - 1, _POINTS).round().astype(int)]
    scores = None if curve.threshold is None else np.asarray(curve.threshold)[kept]
    return Curve(x[kept], y[kept], scores)


def _chosen(lines: Mapping[str, Curve], known: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """The lines that are named: all, or the best and then the worst; and those that are not."""

    def value(name: str) -> float:
        y = lines[name].y
        return known.get(name, float(y.mean()) if len(y) else 0.0)

    if len(lines) <= _NAMED:
        return list(lines), []
    ranked = sorted(lines, key=value, reverse=True)
    half = _NAMED // 2
    return ranked[:half] + ranked[-half:], ranked[half:-half]


def _mean(lines: Sequence[Curve]) -> Curve:
    """The mean over the lines of the best precision at each recall 0, 0.01 ... 1, or beyond it."""
    grid = np.linspace(0.0, 1.0, 101)
    total = np.zeros(len(grid))
    for line in lines:
        order = np.argsort(line.x, kind="stable")
        x, best = line.x[order], np.maximum.accumulate(line.y[order][::-1])[::-1]
        total += np.append(best, 0.0)[np.searchsorted(x, grid - 1e-12)]
    return Curve(grid, total / len(lines))


def _within(line: Curve) -> bool:
    """Whether all of a line lies between 0 and 1."""
    both = np.concatenate([line.x, line.y])
    return bool(((both >= 0) & (both <= 1)).all())


def _short(name: str) -> str:
    """A name, not too long, as matplotlib shows it: no formula, and not hidden."""
    cut = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."
    return escape_math(f" {cut}" if cut.startswith("_") else cut)
