"""Plots in files: matplotlib without a window system, and the common look of all plots."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from densefit.errors import ConfigError, writing

_WIDE = 30.0  # ratio of the highest to the lowest value from which an axis is logarithmic
_DEEP = 1000.0  # ratio of the ends of a logarithmic axis, at most


def new_figure(width: float, height: float) -> Any:
    """Make an empty matplotlib Figure of `width` by `height` inches.

    Without pyplot no window system is looked for.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401 - first, so that its absence is reported
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            "Curves need matplotlib, which is not installed", fix="pip install densefit[plot]"
        ) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def is_available() -> bool:
    """Whether matplotlib is installed."""
    try:
        new_figure(1, 1)
    except ConfigError:
        return False
    return True


def write_figure(figure: Any, path: str | Path, dpi: int, *, crops: bool = False) -> None:
    """Write a figure of `new_figure`, laid out for the final ticks of its axes.

    Titles of axes that lie above each other are aligned.

    Args:
        figure: the figure; it is not laid out again if it is written again.
        path: path of the image; its ending names the format.
        dpi: pixels per inch.
        crops: whether empty margins are cut off.

    Raises:
        ValueError: matplotlib knows no image format of this file ending.
    """
    figure.set_dpi(dpi)
    if figure.get_layout_engine() is not None:
        _lay_out(figure)
        figure.set_layout_engine(None)  # each of savefig's draws would lay it out again: 1 s
    figure.align_ylabels()  # before, each axes would look at all others' ticks
    with writing(path):
        figure.savefig(path, dpi=dpi, bbox_inches=_content(figure) if crops else None)


def _lay_out(figure: Any) -> None:
    """Place the axes and what is around them: twice, as other sizes of axes have other ticks."""
    figure.get_layout_engine().execute(figure)


def _content(figure: Any) -> Any:
    """Find what is drawn on, with a margin, in inches.

    `bbox_inches="tight"` is the same, but goes through all drawing once more.
    """
    from matplotlib import rcParams

    box = figure.get_tightbbox(figure.canvas.get_renderer())
    return box.padded(rcParams["savefig.pad_inches"])


def tidy(axes: Any) -> None:
    """Draw a faint grid, and no frame at the top and right."""
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def legend_beside(axes: Any, entries: int, title: str | None = None) -> None:
    """Put the legend beside the axes, where it hides no curve; write "none" without curves."""
    if entries:
        axes.legend(
            title=title,
            alignment="left",
            fontsize="small",
            handlelength=3,
            frameon=False,
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            borderaxespad=0,
        )
    else:
        axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", color="0.5")


def color(index: int) -> str:
    """Color of the curve `index`; there are ten."""
    return f"C{index % 10}"


def line_style(index: int) -> str:
    """Line style of the curve `index`: solid for the first ten, then dashed, then dotted."""
    return ("-", "--", ":")[index // 10 % 3]


def log_scale_if_wide(axes: Any) -> None:
    """Make the y axis logarithmic if the drawn values are positive and span a factor of 30.

    A factor of 1000 below the highest value ends the axis, as a single value near zero would
    squash all others. Ticks are plain numbers at 1, 2 and 5.
    """
    values = [value for line in axes.lines for value in line.get_ydata() if math.isfinite(value)]
    if not values or min(values) <= 0 or max(values) / min(values) <= _WIDE:
        return
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.set_ylim(bottom=max(min(values), max(values) / _DEEP) / 1.2)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def escape_math(label: str) -> str:
    r"""Escape dollar signs, which matplotlib reads as formulas.

    >>> print(escape_math("cost in $"))
    cost in \$
    """
    return label.replace("$", r"\$")
