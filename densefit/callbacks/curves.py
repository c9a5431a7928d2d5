"""Plot the whole training: losses, scores and learning rate over the updates."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.callbacks.curve_figures import draw_classes, draw_head, draw_overview
from densefit.callbacks.curve_series import History
from densefit.callbacks.jsonl import read_lines
from densefit.errors import ConfigError, DensefitError
from densefit.visualize.plotting import new_figure

FOLDER = "curves"  # beside the plot of the whole training
_log = logging.getLogger("densefit")


class Curves(Callback):
    """Plot `curves.png` when training ends, also when it fails.

    Of several heads it has the loss and the main score of each; `curves/<head>.png` has all
    numbers of a head, and `curves/classes.png` the scores of the classes. It reads the log of
    `JSONLines`. Without matplotlib a warning at the start states that there will be no plot.

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
        if state is not None and not state.epoch and not self.log.exists():
            return  # it ended in its first epoch, before anything was logged
        try:
            path = self.run_dir / "curves.png"
            plot_curves(self.log, path, state.main_scores, state.directions)
        except (DensefitError, OSError) as failure:
            _log.warning("curves.png was not drawn.\n%s", failure)


def plot_curves(
    jsonl_path: str | Path,
    png_path: str | Path,
    main: Sequence[str] = (),
    directions: Mapping[str, bool | None] | None = None,
) -> list[Path]:
    """Plot a log of `JSONLines`.

    Args:
        jsonl_path: path of the log.
        png_path: path of the plot; further ones go into a folder `curves` beside it. Existing files
            are replaced.
        main: names of the main scores, the most important first; by default each head's first.
        directions: score -> whether higher is better, to mark the best.

    Returns:
        Paths of the plots.

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
    history = History.of(lines, main, directions or {})
    path = Path(png_path)
    folder = path.parent / FOLDER
    written = [path]
    if len(history.heads) == 1:
        draw_head(history, history.heads[0], path)
    else:
        draw_overview(history, path)
    for head in filter(None, history.heads if len(history.heads) > 1 else ()):
        folder.mkdir(exist_ok=True)
        written.append(folder / f"{re.sub(r'[^A-Za-z0-9_.-]', '-', head)}.png")
        draw_head(history, head, written[-1])
    if history.class_scores:
        folder.mkdir(exist_ok=True)
        written.append(folder / "classes.png")
        draw_classes(history, written[-1])
    return written
