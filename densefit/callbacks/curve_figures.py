"""Figures of a training: the whole, one head, its classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from densefit.callbacks.curve_series import History, of_one_magnitude, series
from densefit.visualize.plotting import (
    color,
    escape_math,
    legend_beside,
    line_style,
    log_scale_if_wide,
    new_figure,
    tidy,
    write_figure,
)

_TALL, _LOW, _ENTRY = 3.75, 1.5, 0.22  # inches: a panel, the last one, a line of a legend
_CLASSES = 12  # of a panel: the best and the worst
_STRONG, _THIN = 2.6, 1.0  # widths of lines in points


def draw_overview(history: History, path: Path) -> None:
    """Plot the loss and the main score of each head, and the learning rate."""
    losses = [keys[0] for keys in history.losses.values()]
    scores = {key: [key] for key in (keys[0] for keys in history.scores.values())}
    groups = of_one_magnitude({key: _values(history, key) for key in scores})
    figure, panels = _figure([len(losses), *map(len, groups)])
    colours = {head: color(index) for index, head in enumerate(history.heads)}
    styles = {head: line_style(index) for index, head in enumerate(history.heads)}
    for key in losses:
        head = key.rpartition("/")[0]
        _loss(panels[0], history, key, colours[head], styles[head], _STRONG)
    _finish_losses(panels[0], len(losses))
    for axes, group in zip(panels[1:-1], groups):
        for key in group:
            head = key.rpartition("/")[0]
            _score(axes, history, key, colours[head], styles[head], _STRONG * 0.75)
            _mark_best(axes, history, key, colours[head], with_text=len(group) == 1)
        _finish_scores(axes, len(group), "main scores")
    _write(figure, panels[-1], history, path)


def draw_head(history: History, head: str, path: Path) -> None:
    """Plot all losses and scores of a head: the total loss and the main score strong."""
    losses, scores = history.losses.get(head, ()), history.scores.get(head, ())
    groups = of_one_magnitude({key: _values(history, key) for key in scores})
    figure, panels = _figure([len(losses), *map(len, groups)])
    for index, key in enumerate(losses):
        _loss(panels[0], history, key, color(index), line_style(index), _STRONG if not index else 1)
    _finish_losses(panels[0], len(losses))
    main = scores[0] if scores else None
    for axes, group in zip(panels[1:-1], groups):
        for index, key in enumerate(group):
            is_main = key == main
            width = _STRONG if is_main else _THIN
            shift = 0 if group[0] == main else 1
            style = color(index + shift), line_style(index + shift)
            _score(axes, history, key, *style, width)
            if is_main:
                _mark_best(axes, history, key, style[0], with_text=True)
        _finish_scores(axes, len(group), "validation")
    _write(figure, panels[-1], history, path)


def draw_classes(history: History, path: Path) -> None:
    """Plot the classes' scores, a panel for each main score that has any."""
    entries = [min(len(keys), _CLASSES) for keys in history.class_scores.values()]
    heights = [max(_TALL, _ENTRY * (count + 2)) for count in entries]
    figure = new_figure(11, sum(heights))
    panels = figure.subplots(len(heights), 1, squeeze=False, sharex=True, height_ratios=heights)
    for axes, (main, keys) in zip(panels[:, 0], history.class_scores.items()):
        high = history.directions.get(main) is not False
        last = {name: _values(history, key)[-1] for name, key in keys.items()}
        ranked = sorted(last, key=lambda name: last[name] if last[name] == last[name] else -1.0)
        ranked = ranked[::-1] if high else ranked  # the best first, as their lines end
        chosen = ranked
        if len(ranked) > _CLASSES:
            chosen = [*ranked[: _CLASSES // 2], *ranked[-(_CLASSES // 2) :]]
        for index, name in enumerate(chosen):
            label = escape_math(f"{name} {last[name]:.3g}")
            style = {"color": color(index), "linestyle": line_style(index), "label": label}
            axes.plot(*series(history.lines, keys[name], "validation"), lw=1.4, **style)
        axes.plot(
            *series(history.lines, main, "validation"), color="0.1", lw=_STRONG, label="all classes"
        )
        axes.set_ylabel(main)
        tidy(axes)
        left_out = f"{len(ranked) - len(chosen)} classes between are left out"
        legend_beside(axes, len(chosen), left_out if len(chosen) < len(ranked) else None)
    panels[-1, 0].set_xlabel("update")
    write_figure(figure, path, dpi=120)


def _figure(entries: Sequence[int]) -> tuple[Any, Any]:
    """Make a figure with a panel for each number of legend entries, and a low one."""
    heights = [*(max(_TALL, _ENTRY * count) for count in entries), _LOW]  # legends must fit
    if len(heights) == 2:
        heights.insert(1, _TALL)  # no scores
    figure = new_figure(11, sum(heights))
    return figure, figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)


def _loss(axes: Any, history: History, key: str, colour: str, style: str, width: float) -> None:
    """Plot a faint line within epochs, one with markers over epochs, and a dashed validation."""
    within, whole = series(history.lines, key, "update"), series(history.lines, key, "epoch")
    axes.plot(*within, color=colour, lw=0.8, alpha=0.35 if whole[0] else 1.0)
    label = escape_math(key)
    axes.plot(*whole, color=colour, ls=style, lw=width, marker="o", ms=1 + width, label=label)
    scored = series(history.lines, key, "validation")
    if scored[0] and key not in history.scores.get(key.rpartition("/")[0], ()):
        about = {"label": f"{label}, validation", "marker": "s", "ms": 1 + width}
        axes.plot(*scored, color=colour, ls="--", lw=0.7 * width, **about)


def _score(axes: Any, history: History, key: str, colour: str, style: str, width: float) -> None:
    points = series(history.lines, key, "validation")
    label = escape_math(key)
    order = 3 if width > _THIN else 2  # strong lines are on top
    axes.plot(
        *points,
        color=colour,
        ls=style,
        lw=width,
        marker="o",
        ms=2 + width,
        label=label,
        zorder=order,
    )


def _mark_best(axes: Any, history: History, key: str, colour: str, with_text: bool) -> None:
    """Mark the best validation with a star, and its value."""
    best = history.best(key)
    if best is None:
        return
    axes.plot(
        *([best[0]], [best[1]]), marker="*", ms=15, color=colour, mec="black", ls="", zorder=4
    )
    if with_text:
        axes.annotate(
            f"best {best[1]:.4g}",
            best,
            xytext=(-8, 10),
            textcoords="offset points",
            ha="right",
            fontweight="bold",
            zorder=5,
            bbox={"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.8},
        )


def _finish_losses(axes: Any, entries: int) -> None:
    axes.set_ylabel("training")
    log_scale_if_wide(axes)  # losses of heads often lie orders of magnitude apart
    legend_beside(axes, entries)


def _finish_scores(axes: Any, entries: int, title: str) -> None:
    axes.set_ylabel(title)
    axes.margins(y=0.12)  # for the star and its text
    legend_beside(axes, entries)


def _write(figure: Any, rate: Any, history: History, path: Path) -> None:
    """Plot the learning rate in the last panel, and write the figure."""
    rate.plot(*series(history.lines, "lr"), color="0.3")
    rate.set_ylabel("learning rate")
    rate.set_ylim(bottom=0)
    rate.set_xlabel("update")
    for axes in figure.axes:
        tidy(axes)
    write_figure(figure, path, dpi=120)


def _values(history: History, key: str) -> list[float]:
    return series(history.lines, key, "validation")[1]
