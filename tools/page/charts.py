"""Line charts as the numbers that a template writes as SVG.

Drawn by a few lines of our own: a chart library is ten to a hundred times as much JavaScript as
the page needs, shows nothing without scripts, and is no better on paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from densefit.tools.page.ticks import log_ticks, tick_text, ticks

WIDTH, HEIGHT = 420.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 60.0, 20.0, 10.0, 40.0
COLORS = 8  # of the style sheet
_MARKED = 60  # points of a line that has a mark at each
_WIDE = 20.0  # ratio of positive values from which an axis is logarithmic


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
        name: its name in the legend.
        x, y: values; None and nan are gaps.
        color: number of its color, from 0; -1 for grey.
        is_thin: a line behind another, without a place in the legend.
        is_dashed: whether it is dashed.
        is_strong: whether it is thicker than the others.
        note: further text in the legend, such as a score.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    color: int = 0
    is_thin: bool = False
    is_dashed: bool = False
    is_strong: bool = False
    note: str = ""


@dataclass(frozen=True)
class Mark:
    """A point of a line: its place in the drawing, and a text for the pointer."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class DrawnLine:
    """A line in the coordinates of the drawing: SVG paths, and marks."""

    line: Line
    path: str
    marks: Sequence[Mark] = ()


@dataclass(frozen=True)
class Tick:
    """A tick of an axis: its coordinate in the drawing, and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart to draw.

    Attributes:
        title, x_label, y_label: texts.
        summary: what the chart shows, for who does not see it.
        lines: lines, the first behind.
        x_ticks, y_ticks: ticks.
        rest: number of grey lines without a name.
    """

    title: str
    x_label: str
    y_label: str
    summary: str
    lines: Sequence[DrawnLine]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    rest: int = 0
    width: float = field(default=WIDTH, init=False)
    height: float = field(default=HEIGHT, init=False)
    left: float = field(default=LEFT, init=False)
    right: float = field(default=WIDTH - RIGHT, init=False)
    top: float = field(default=TOP, init=False)
    bottom: float = field(default=HEIGHT - BOTTOM, init=False)


def chart(
    title: str,
    x_label: str,
    y_label: str,
    lines: Sequence[Line],
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    may_be_log: bool = False,
) -> Chart | None:
    """Lay out a chart; None without a point.

    Args:
        title: title.
        x_label: title of the x axis.
        y_label: title of the y axis.
        lines: lines.
        x_range: range of the x axis; by default that of the points.
        y_range: range of the y axis; by default that of the points.
        may_be_log: whether a y axis over more than a decade may be logarithmic.
    """
    points = {id(line): _defined(line) for line in lines}
    every = [point for line_points in points.values() for point in line_points]
    if not every:
        return None
    x_low, x_high = x_range or _bounds([x for x, _ in every], 0.0)
    values = [y for _, y in every]
    is_log = may_be_log and min(values) > 0 and max(values) / min(values) > _WIDE
    y_low, y_high = y_range or (
        (min(values) / 1.1, max(values) * 1.1) if is_log else _bounds(values, 0.05)
    )

    def across(x: float) -> float:
        return round(LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT), 1)

    def up(y: float) -> float:
        low, high, value = (
            (math.log(y_low), math.log(y_high), math.log(y)) if is_log else (y_low, y_high, y)
        )
        return round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    drawn = []
    for line in lines:
        path, pen_is_up = [], True
        for x, y in zip(line.x, line.y):
            if y is None or not math.isfinite(y):
                pen_is_up = True
                continue
            path.append(f"{'M' if pen_is_up else 'L'}{across(x):g} {up(y):g}")
            pen_is_up = False
        marks = [
            Mark(across(x), up(y), f"{line.name}: {y:.4g} at {x_label} {x:,.6g}")
            for x, y in points[id(line)]
            if len(points[id(line)]) <= _MARKED and not line.is_thin and line.color >= 0
        ]
        drawn.append(DrawnLine(line, "".join(path), marks))
    y_values = log_ticks(y_low, y_high) if is_log else ticks(y_low, y_high)
    return Chart(
        title,
        x_label,
        y_label,
        _summary(title, x_label, lines, points),
        drawn,
        [Tick(across(value), tick_text(value)) for value in ticks(x_low, x_high)],
        [Tick(up(value), tick_text(value)) for value in y_values],
        rest=sum(line.color < 0 for line in lines),
    )


def _defined(line: Line) -> list[tuple[float, float]]:
    return [(x, y) for x, y in zip(line.x, line.y) if y is not None and math.isfinite(y)]


def _bounds(values: Sequence[float], margin: float) -> tuple[float, float]:
    """Range of values with a margin, never empty."""
    low, high = min(values), max(values)
    if not high > low:
        room = abs(low) * 0.1 or 1.0
        return low - room, high + room
    room = (high - low) * margin
    return low - (0.0 if 0 <= low < room else room), high + room


def _summary(
    title: str,
    x_label: str,
    lines: Sequence[Line],
    points: dict[int, list[tuple[float, float]]],
) -> str:
    """First and last value of each named line."""
    parts = []
    for line in lines:
        ends = points[id(line)]
        if ends and not line.is_thin and line.color >= 0:
            (first, start), (last, end) = ends[0], ends[-1]
            parts.append(
                f"{line.name} from {start:.3g} at {first:,.4g} to {end:.3g} at {last:,.4g}"
            )
    return f"{title} over {x_label}. {'; '.join(parts)}."
