"""Plot the whole training: losses, scores and learning rate over the updates."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.callbacks.jsonl import read_lines
from densefit.callbacks.main_number import is_main
from densefit.errors import ConfigError, DensefitError
from densefit.visualize.plotting import (
    color,
    legend_beside,
    line_style,
    log_scale_if_wide,
    new_figure,
    tidy,
    write_figure,
)

_COMMON = ("kind", "update", "epoch", "seconds", "lr")
_ABOUT = ("labelled", "loss_weight")
_TRAIN = ("update", "epoch")
_TALL, _LOW, _ENTRY = 3.75, 1.5, 0.22  # inches: a panel, the last one, a line of a legend
_SPAN = 4.0  # between the highest values of scores that share a panel
_log = logging.getLogger("densefit")


class Curves(Callback):
    """Plot `curves.png` when training ends, also when it fails.

    It reads the log of `JSONLines`. Without matplotlib a warning at the start states that there
    will be no plot.

    Args:
        run_dir: folder of the plot and of the log.
        log: path of the log, relative to `run_dir`.
    """

    def __init__(self, run_dir: str | Path, log: str = "metrics.jsonl") -> None:
        self.run_dir = Path(run_dir)
        self.log = self.run_dir / log

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Warn early if there will be no plot."""
        try:
            new_figure(1, 1)
        except ConfigError as error:
            _log.warning("There will be no curves.png.\n%s", error)

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Plot the curves; errors do not hide how training ended."""
        if error is not None and state is not None and not state.update:
            return  # nothing was trained that could be drawn
        try:
            plot_curves(self.log, self.run_dir / "curves.png")
        except (DensefitError, OSError) as failure:
            _log.warning("curves.png was not drawn.\n%s", failure)


def plot_curves(jsonl_path: str | Path, png_path: str | Path) -> None:
    """Plot a log of `JSONLines`.

    Args:
        jsonl_path: path of the log.
        png_path: path of the plot; an existing file is replaced.

    Raises:
        ConfigError: matplotlib is not installed, or the log is empty.
        DataError: the file was not written by `JSONLines`.
    """
    new_figure(1, 1)  # first, to report missing matplotlib before other errors
    lines = read_lines(jsonl_path)
    if not lines:
        raise ConfigError(
            "There is no history to draw",
            expected="what the callback JSONLines wrote",
            where=jsonl_path,
            fix="callbacks=[JSONLines(run_dir / 'metrics.jsonl'), Curves(run_dir)]: a folder, in "
            "this order",
        )
    keys = main_keys(lines, ("validation",))
    groups = of_one_magnitude({key: series(lines, key, "validation")[1] for key in keys}) or [[]]
    named = [len(main_keys(lines, _TRAIN)), *map(len, groups)]
    heights = [*(max(_TALL, _ENTRY * entries) for entries in named), _LOW]  # legends must fit
    figure = new_figure(11, sum(heights))
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    losses, rate = panels[0], panels[-1]

    colours = _train_curves(losses, lines)
    for axes, group in zip(panels[1:-1], groups):
        _score_curves(axes, lines, group, colours)
    rate.plot(*series(lines, "lr"), color="0.3")
    rate.set_ylabel("learning rate")
    rate.set_ylim(bottom=0)
    rate.set_xlabel("update")
    for axes in panels:
        tidy(axes)
    write_figure(figure, png_path, dpi=120)


def _train_curves(axes: Any, lines: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Plot thin lines within epochs and thick lines over epochs; return the colour of each key."""
    # Numbers of samples and loss weights would dominate the scale.
    keys = [key for key in main_keys(lines, _TRAIN) if key.split("/")[-1] not in _ABOUT]
    colours = {key: color(index) for index, key in enumerate(keys)}
    for key, colour in colours.items():
        within = series(lines, key, "update")
        whole = series(lines, key, "epoch")
        axes.plot(*within, color=colour, lw=0.8, alpha=0.4 if whole[0] else 1.0)
        axes.plot(*whole, color=colour, lw=2, marker="o", ms=3, label=key)
    axes.set_ylabel("training")
    log_scale_if_wide(axes)  # losses of heads often lie orders of magnitude apart
    legend_beside(axes, len(keys))
    return colours


def _score_curves(
    axes: Any, lines: Sequence[dict[str, Any]], keys: Sequence[str], taken: dict[str, str]
) -> None:
    """Plot validation scores; a score that is also a training number keeps its colour."""
    free_indices = iter(range(len(taken), len(taken) + len(keys)))
    for key in keys:
        # Ten colours; further curves are dashed, then have other markers.
        index = 0 if key in taken else next(free_indices)
        axes.plot(
            *series(lines, key, "validation"),
            color=taken.get(key, color(index)),
            linestyle=line_style(index),
            marker=("o", "s", "^", "D")[index // 30 % 4],
            ms=4,
            label=key,
        )
    axes.set_ylabel("validation")
    legend_beside(axes, len(keys))


def of_one_magnitude(values: Mapping[str, Sequence[float]]) -> list[list[str]]:
    """Group numbers of similar magnitude, to share an axis; all up to 4 are one group.

    >>> of_one_magnitude({"mIoU": [0.1, 0.5], "SILog": [24.0, 23.0], "RMSE": [1.8], "AP": [0.0]})
    [['mIoU', 'RMSE', 'AP'], ['SILog']]
    """
    peaks = {
        key: max([1.0, *(abs(value) for value in numbers if math.isfinite(value))])
        for key, numbers in values.items()
    }
    starts: list[float] = []  # the lowest peak of each group
    for peak in sorted(peaks.values()):
        if not starts or peak > _SPAN * starts[-1]:
            starts.append(peak)
    return [
        [key for key, peak in peaks.items() if start <= peak < end]
        for start, end in zip(starts, [*starts[1:], math.inf])
    ]


def main_keys(lines: Sequence[dict[str, Any]], kinds: Sequence[str]) -> list[str]:
    """Names of the numbers of whole heads (see `is_main`), in order of appearance, if defined."""
    trained = [line for line in lines if line["kind"] in _TRAIN]
    heads = {key.split("/")[0] for line in trained for key in line if "/" in key}
    keys = {
        key: None
        for line in lines
        if line["kind"] in kinds
        for key in line
        if key not in _COMMON and is_main(key, heads) and line[key] is not None
    }
    return list(keys)


def series(
    lines: Sequence[dict[str, Any]], key: str, kind: str | None = None
) -> tuple[list[int], list[float]]:
    """(updates, values) of a number, with nan where it was not finite."""
    points = [line for line in lines if key in line and kind in (None, line["kind"])]
    values = [float("nan") if line[key] is None else line[key] for line in points]
    return [line["update"] for line in points], values
