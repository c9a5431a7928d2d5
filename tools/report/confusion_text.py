"""A confusion matrix as lines of text: its cells, or the most confused pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.tools.page.matrix_table import matrix_table

_NAME = 14  # longest name of a row before the matrix is printed as shares of its rows
_SHORTEST = 8


def confusion_lines(matrix: Mapping[str, Any], width: int) -> list[str]:
    """Lines of a confusion matrix: counts if they fit, else percent, else pairs of classes.

    Rows are the truth, and columns their numbers, since names of columns would not fit.

    Args:
        matrix: `names`, `counts` (rows are the truth), `what`.
        width: characters of a line.
    """
    names, counts, what = matrix["names"], matrix["counts"], matrix["what"]
    cells = [[f"{count:,}" if count else "." for count in row] for row in counts]
    title = f"confusion ({what}): rows are true classes, columns predicted ones, by number"
    lines = _grid(names, cells, width, _NAME)
    if lines is None:
        cells = [[_percent(count, sum(row)) for count in row] for row in counts]
        lines = _grid(names, cells, width, _SHORTEST)
        title = "confusion, % of the true class: rows are true, columns predicted, by number"
    return [title, *lines] if lines is not None else _pairs(matrix)


def _grid(
    names: Sequence[str], cells: Sequence[Sequence[str]], width: int, shortest: int
) -> list[str] | None:
    """Rows of cells; None if they do not fit."""
    digits = len(str(len(names)))
    side = max(len(cell) for row in cells for cell in row)
    side = max(side, digits) + 1
    longest = min(max(map(len, names)), width - digits - 1 - side * len(names))
    if longest < min(max(map(len, names)), shortest):
        return None
    head = " " * (digits + 1 + longest) + "".join(
        f"{number:>{side}}" for number in range(1, len(names) + 1)
    )
    return [head] + [
        f"{number:>{digits}} {_cut(name, longest):<{longest}}"
        + "".join(f"{cell:>{side}}" for cell in row)
        for number, (name, row) in enumerate(zip(names, cells), 1)
    ]


def _pairs(matrix: Mapping[str, Any]) -> list[str]:
    """The most confused pairs of classes."""
    largest = matrix_table(matrix).largest
    if not largest:
        return [f"no {matrix['what']} of another class"]
    left = max(len(f"{true} as {predicted}") for true, predicted, _, _ in largest)
    return [f"most confused ({matrix['what']}, share of the true class):"] + [
        f"  {f'{true} as {predicted}':<{min(left, 50)}} {count:>9,}  {share:>7}"
        for true, predicted, count, share in largest
    ]


def _cut(name: str, longest: int) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _percent(count: int, total: int) -> str:
    """
    >>> _percent(0, 9), _percent(1, 999), _percent(1, 3)
    ('.', '<1', '33')
    """
    if not count:
        return "."
    share = 100 * count / total
    return "<1" if share < 0.5 else f"{share:.0f}"
