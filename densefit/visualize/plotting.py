"""Figures in files: matplotlib without a window system, and how all curves look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from densefit.errors import ConfigError, writing


def new_figure(width: float, height: float) -> Any:
    """An empty matplotlib Figure of so many inches, which `savefig` writes.

    Without pyplot no window system is looked for.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401 - first: its absence is what is told
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            "Curves need matplotlib, which is not installed", fix="pip install densefit[plot]"
        ) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def write_figure(figure: Any, path: str | Path, dpi: int) -> None:
    """Write a figure of `new_figure`, laid out for the ticks that its axes end up with.

    Titles of axes that lie above each other stand in one line.

    Raises:
        ValueError: matplotlib knows no pictures of that ending.
    """
    figure.align_ylabels()
    figure.draw_without_rendering()  # a first layout: other sizes of the axes have other ticks
    with writing(path):
        figure.savefig(path, dpi=dpi)


def tidy(axes: Any) -> None:
    """A faint grid, and no frame at the top and right."""
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def legend_beside(axes: Any, entries: int, title: str | None = None) -> None:
    """Name the curves beside the axes, where they hide none; "none" if there are none."""
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
