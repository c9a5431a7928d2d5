"""Scores of validations in a table: the main ones first, each against the last and the best."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

from densefit.callbacks.main_number import is_main
from densefit.metrics.core.unreadable import ComparableScores, without_counts

_WORST = 3  # classes that are named
_HEADS = 2  # with more heads only their main scores are shown
_MORE = 5  # other scores of a head in a line


@dataclass(frozen=True)
class Row:
    """A main score of a validation.

    Attributes:
        key: its full name.
        value: its value.
        since_last: value minus the last validation's; nan at the first.
        best: the best value before; nan at the first, or if no direction is declared.
        is_best: whether it is better than all before.
        is_better: whether it is better than the last one; None if no direction is declared.
    """

    key: str
    value: float
    since_last: float
    best: float
    is_best: bool
    is_better: bool | None


@dataclass
class ScoreBoard:
    """Remember the last and the best value of each main score.

    Attributes:
        last: name of a score -> value in the last validation.
        best: name of a score -> best value so far.
    """

    last: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    _comparable: ComparableScores = field(
        default_factory=lambda: ComparableScores("with the best so far on the console"), repr=False
    )

    def add(
        self,
        scores: Mapping[str, float],
        main: Sequence[str],
        directions: Mapping[str, bool | None],
    ) -> list[Row]:
        """Compare a validation with those before, and remember it.

        Args:
            scores: all scores of the validation.
            main: names of the main scores, see `main_of`.
            directions: score -> whether higher is better; None: not declared.

        Returns:
            A row for each main score that is defined.
        """
        if self._comparable.begins_anew(scores) or not self._comparable.are_comparable(scores):
            self.last, self.best = {}, {}
        rows = []
        for key in main:
            value = float(scores.get(key, math.nan))
            if math.isnan(value):
                continue
            last, best = self.last.get(key, math.nan), self.best.get(key, math.nan)
            high = directions.get(key)
            sign = 0 if high is None else 1 if high else -1
            is_best = bool(sign) and not sign * value <= sign * best  # nan: the first is the best
            is_better = None if not sign or math.isnan(last) else sign * (value - last) > 0
            rows.append(Row(key, value, value - last, best, is_best, is_better))
            self.last[key] = value
            if is_best:
                self.best[key] = value
        return rows

    def state_dict(self) -> dict[str, Any]:
        """Return the last and the best values."""
        return {"last": dict(self.last), "best": dict(self.best)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the last and the best values."""
        self.last, self.best = dict(state.get("last", {})), dict(state.get("best", {}))


def main_of(
    scores: Mapping[str, float], main: Sequence[str], heads: Collection[str] = ()
) -> list[str]:
    """Return the names of the main scores; if none is declared, the first score of each head.

    >>> main_of({"a/AP": 0.5, "a/AP50": 0.6, "a/AP/cat": 0.5, "b/mIoU": 0.4}, [])
    ['a/AP', 'b/mIoU']
    """
    declared = [key for key in main if key in scores]
    if declared:
        return declared
    first: dict[str, str] = {}
    for key in scores:
        if is_main(key, heads):
            first.setdefault(key.rpartition("/")[0], key)
    return list(first.values())


def worst_classes(
    scores: Mapping[str, float], key: str, high: bool | None, count: int = _WORST
) -> list[tuple[str, float]]:
    """Return the classes with the worst scores of a head, the worst first.

    The classes of "head/mIoU" are "head/IoU/<class>", those of "head/AP" are "head/AP/<class>".

    >>> worst_classes({"a/mIoU": 0.4, "a/IoU/cat": 0.1, "a/IoU/dog": 0.7}, "a/mIoU", True, 1)
    [('cat', 0.1)]

    Args:
        scores: all scores of a validation.
        key: a main score.
        high: whether higher is better; None gives no class.
        count: number of classes.
    """
    head, _, name = key.rpartition("/")
    for prefix in (f"{head}/{name}/", f"{head}/{name.removeprefix('m')}/"):
        of_classes = [
            (other[len(prefix) :], value)
            for other, value in scores.items()
            if other.startswith(prefix) and not math.isnan(value)
        ]
        if of_classes and high is not None:
            return sorted(of_classes, key=lambda pair: pair[1] if high else -pair[1])[:count]
    return []


def table(
    rows: Sequence[Row],
    scores: Mapping[str, float],
    directions: Mapping[str, bool | None],
    heads: Collection[str] = (),
) -> list[Text]:
    """Return the lines of a table: main scores, other scores of whole heads, the worst classes.

    Args:
        rows: main scores, the most important first.
        scores: all scores of the validation.
        directions: score -> whether higher is better.
        heads: names of all heads.
    """
    width = max((len(row.key) for row in rows), default=0)
    lines = [_line(row, width, is_first=index == 0) for index, row in enumerate(rows)]
    main = {row.key for row in rows}
    secondary: dict[str, list[str]] = {}
    for key, value in without_counts(scores).items():
        if key not in main and is_main(key, heads) and not math.isnan(value):
            head, _, name = key.rpartition("/")
            secondary.setdefault(head, []).append(f"{name} {format_score(value)}")
    for head, texts in secondary.items() if len(secondary) <= _HEADS else ():
        more = f", {len(texts) - _MORE} more" if len(texts) > _MORE else ""
        about = f"{head}: " if head and len(secondary) > 1 else ""
        lines.append(Text(f"  also {about}{', '.join(texts[:_MORE])}{more}", style="dim"))
    for row in rows:
        worst = worst_classes(scores, row.key, directions.get(row.key))
        if len(worst) > 1:
            about = f" of {row.key}" if len(rows) > 1 else ""
            listed = ", ".join(f"{name} {format_score(value)}" for name, value in worst)
            lines.append(Text(f"  worst classes{about}: {listed}"))
    return lines


def format_score(value: float) -> str:
    """Format with four decimals, large values with five digits.

    >>> format_score(0.5), format_score(0.00001), format_score(12345.678)
    ('0.5000', '0.0000', '12346')
    """
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.5g}"


def _line(row: Row, width: int, is_first: bool) -> Text:
    """Return a main score with its changes; the most important one is bold."""
    line = Text("  ")
    line.append(
        f"{row.key:{width}}  {format_score(row.value):>8}", style="bold" if is_first else ""
    )
    if not math.isnan(row.since_last):
        style = "" if row.is_better is None else "green" if row.is_better else "red"
        if row.since_last == 0:
            style = ""
        line.append(f"  {row.since_last:+.4f} since the last", style=style)
    if row.is_best:
        gain = "" if math.isnan(row.best) else f" ({row.value - row.best:+.4f})"
        line.append(f"  * the best so far{gain}", style="bold green" if is_first else "green")
    elif not math.isnan(row.best):
        line.append(
            f"  {row.value - row.best:+.4f} to the best, {format_score(row.best)}", style="dim"
        )
    return line
