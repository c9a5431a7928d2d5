"""Charts of a training: losses, scores of the validation, and the learning rate."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from densefit.callbacks.curve_series import main_keys
from densefit.model.heads.loss_terms import LossTerms
from densefit.tools.page.charts import COLORS, Chart, Line, chart

_TRAIN = ("update", "epoch")
_ABOUT = ("labelled", "loss_weight")  # beside the losses
_MOST = 600  # points of a line
_SPAN = 4.0  # between the highest values of scores that share a chart


def training_charts(lines: Sequence[dict[str, Any]], primary: Collection[str] = ()) -> list[Chart]:
    """Charts of each head's losses, of its scores, and of the learning rate.

    Args:
        lines: records that `JSONLines` wrote.
        primary: names of the scores that are drawn strong.
    """
    losses, scores = main_keys(lines, _TRAIN), main_keys(lines, ("validation",))
    if sum(line["kind"] == "validation" for line in lines) < 2:
        scores = []  # points alone: the tables have them
    by_head: dict[str, list[str]] = {}
    for key in losses:
        if key.rpartition("/")[2] in _ABOUT:
            continue
        by_head.setdefault(key.rpartition("/")[0], []).append(key)
    charts = [_losses(lines, head, keys) for head, keys in by_head.items()]
    by_part: dict[str, list[str]] = {}
    for key in scores:
        by_part.setdefault(key.rpartition("/")[0], []).append(key)
    for head, keys in by_part.items():
        keys = sorted(keys, key=lambda key: key not in primary)
        groups = _scaled(lines, keys)
        for number, group in enumerate(groups, 1):
            part = f" ({number} of {len(groups)})" if len(groups) > 1 else ""
            charts.append(_scores(lines, f"{head} on validation data{part}", group, primary))
    rates = [line for line in lines if line.get("lr") is not None and line["kind"] != "validation"]
    x, y = [line["update"] for line in rates], [line["lr"] for line in rates]
    charts.append(
        chart("Learning rate", "update", "learning rate", [Line("learning rate", *_thin(x, y))])
    )
    return [each for each in charts if each is not None]


def _losses(lines: Sequence[dict[str, Any]], head: str, keys: Sequence[str]) -> Chart | None:
    """Losses of a head within epochs (thin) and over whole epochs; the total first."""
    total = f"{head}/{LossTerms.primary}"
    ordered = sorted(keys, key=lambda key: key != total)
    drawn = []
    for index, key in enumerate(ordered[:COLORS]):
        name = key.rpartition("/")[2]
        within, whole = series(lines, key, "update"), series(lines, key, "epoch")
        if len(whole[0]) > 1:
            drawn += [Line(name, *within, color=index, is_thin=True)]
        values = whole if len(whole[0]) > 1 else within
        drawn += [Line(name, *values, color=index, is_strong=key == total and len(ordered) > 1)]
    return chart(f"{head} losses", "update", "loss", drawn, may_be_log=True)


def _scores(
    lines: Sequence[dict[str, Any]], title: str, keys: Sequence[str], primary: Collection[str]
) -> Chart | None:
    drawn = [
        Line(
            key.rpartition("/")[2],
            *series(lines, key, "validation"),
            color=index,
            is_strong=key in primary and len(keys) > 1,
        )
        for index, key in enumerate(keys[:COLORS])
    ]
    return chart(title, "update", "score", drawn)


def _scaled(lines: Sequence[dict[str, Any]], keys: Sequence[str]) -> list[list[str]]:
    """Group scores whose highest values are of one size, at most `COLORS` in a chart."""
    groups: list[tuple[float, list[str]]] = []
    for key in keys:
        values = [abs(value) for value in series(lines, key, "validation")[1] if value is not None]
        size = max(values, default=0.0)
        for index, (other, group) in enumerate(groups):
            low, high = sorted((size, other))
            if len(group) < COLORS and high <= max(_SPAN * low, 1.0):
                groups[index] = (max(size, other), group)
                group.append(key)
                break
        else:
            groups.append((size, [key]))
    return [group for _, group in groups]


def series(
    lines: Sequence[dict[str, Any]], key: str, kind: str
) -> tuple[list[float], list[float | None]]:
    """(updates, values) of a number in the records of a kind, at most 600.

    Args:
        lines: records that `JSONLines` wrote.
        key: name of the number.
        kind: "update", "epoch" or "validation".
    """
    chosen = [line for line in lines if line["kind"] == kind and key in line]
    return _thin([line["update"] for line in chosen], [line[key] for line in chosen])


def _thin(x: list[float], y: list[Any]) -> tuple[list[float], list[float | None]]:
    """At most 600 points, with both ends."""
    if len(x) > _MOST:
        rows = [round(index * (len(x) - 1) / (_MOST - 1)) for index in range(_MOST)]
        x, y = [x[row] for row in rows], [y[row] for row in rows]
    return x, [float(value) if isinstance(value, (int, float)) else None for value in y]
