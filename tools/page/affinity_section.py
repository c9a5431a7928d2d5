"""The page's section on what heads did for each other: sentences, a matrix and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.tools.page.charts import COLORS, Chart, Line, chart
from densefit.tools.page.head_section import Table
from densefit.tools.report.task_affinity import TaskAffinity, read_affinity, sentences
from densefit.train.affinity.meter import ALL


@dataclass(frozen=True)
class AffinitySection:
    """What the page shows.

    Attributes:
        sentences: what to conclude.
        matrix: gains; rows are the heads that change, columns those of the step.
        charts: cosines of each pair by layer.
        count: largest number of measurements of a pair.
    """

    sentences: Sequence[str]
    matrix: Table
    charts: Sequence[Chart]
    count: int


def affinity_section(lines: Sequence[Mapping[str, Any]]) -> AffinitySection | None:
    """Return the section of a training's log; None if it measured nothing.

    Args:
        lines: records that `JSONLines` wrote.
    """
    affinity = read_affinity(lines)
    if affinity is None:
        return None
    rows = [
        (receiver, *(_cell(affinity, giver, receiver) for giver in affinity.heads))
        for receiver in affinity.heads
    ]
    charts = [_curves(pair, layers) for pair, layers in affinity.cosines.items()]
    return AffinitySection(
        sentences(affinity),
        Table(("", *(f"step for {head}" for head in affinity.heads)), rows),
        [drawn for drawn in charts if drawn is not None],
        max(gain.count for gain in affinity.gains.values()),
    )


def _cell(affinity: TaskAffinity, giver: str, receiver: str) -> str:
    """A gain with twice its standard error."""
    if giver == receiver:
        return "1"
    gain = affinity.gains.get((giver, receiver))
    if gain is None:
        return "-"
    error = f" ± {2 * gain.error:.2f}" if gain.error < float("inf") else ""
    return f"{gain.mean:+.2f}{error}"


def _curves(pair: tuple[str, str], layers: Mapping[str, Any]) -> Chart | None:
    """Cosines of a pair, the whole trunk strong; at most as many layers as there are colors."""
    names = sorted(layers, key=lambda layer: layer != ALL)[:COLORS]
    lines = [
        Line(layer, x, y, color=number, is_strong=layer == ALL)
        for number, layer in enumerate(names)
        for x, y in [layers[layer]]
    ]
    title = f"{pair[0]} and {pair[1]}: cosine of their gradients"
    return chart(title, "update", "cosine", lines, y_range=(-1.0, 1.0))
