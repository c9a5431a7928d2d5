"""Charts of an analysis: precision and recall, F1 over thresholds, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.tools.page.charts import COLORS, Chart, Line, chart

_GREY = 100  # largest number of lines without a color
_PERFECT = "perfect"


def detail_charts(curves: Mapping[str, Any], notes: Mapping[str, str]) -> list[Chart]:
    """Charts of the curves of a head's analysis.

    Args:
        curves: name -> `title`, `x`, `y`, `lines`.
        notes: class -> text for the legend of precision and recall.
    """
    charts = []
    for name, detail in curves.items():
        lines = _lines(detail["lines"], notes if name == "precision_recall" else {})
        charts.append(
            chart(
                *(detail["title"], detail["x"], detail["y"], lines),
                x_range=_unit([x for line in lines for x in line.x]),
                y_range=_unit([y for line in lines for y in line.y if y is not None]),
            )
        )
    return [each for each in charts if each is not None]


def _lines(points: Mapping[str, Sequence[Any]], notes: Mapping[str, str]) -> list[Line]:
    """Lines with colors; of more than eight, the best and the worst four by their mean."""
    named = [name for name in points if name != _PERFECT]

    def mean(name: str) -> float:
        y = points[name][1]
        return sum(y) / len(y) if y else 0.0

    if len(named) > COLORS:
        ranked = sorted(named, key=mean, reverse=True)
        named = ranked[: COLORS // 2] + ranked[-COLORS // 2 :]
        grey = ranked[COLORS // 2 : -COLORS // 2][:_GREY]
    else:
        grey = []
    lines = [Line(name, points[name][0], points[name][1], color=-1) for name in grey]
    if _PERFECT in points:
        x, y = points[_PERFECT]
        lines.append(Line(_PERFECT, x, y, color=-1, is_dashed=True))
    for index, name in enumerate(named):
        x, y = points[name]
        lines.append(Line(name, x, y, color=index, note=notes.get(name, "")))
    return lines


def _unit(values: Sequence[float]) -> tuple[float, float] | None:
    """The range 0 to 1 for values within it."""
    return (0.0, 1.0) if values and min(values) >= 0 and max(values) <= 1 else None
