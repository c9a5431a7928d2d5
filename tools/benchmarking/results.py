"""Results of a benchmark: a table, and JSON values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from densefit.tools.report.number_text import format_score
from densefit.tools.report.wide_table import print_rows


@dataclass(frozen=True)
class Result:
    """What was measured of one way to compute a network.

    Attributes:
        name: engine and format.
        size: bytes.
        scores: score by name.
        milliseconds: batch -> milliseconds an image.
        differences: output -> `Parity` with the run's own engine; empty for that one.
    """

    name: str
    size: int
    scores: Mapping[str, float]
    milliseconds: Mapping[int, float]
    differences: Mapping[str, Any] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "name": self.name,
            "bytes": self.size,
            "scores": {k: None if math.isnan(v) else v for k, v in self.scores.items()},
            "milliseconds": {str(batch): spent for batch, spent in self.milliseconds.items()},
            "differences": {
                name: {"largest": p.largest, "scale": p.scale, "unequal": p.differing}
                for name, p in self.differences.items()
            },
        }


def print_results(results: Sequence[Result], primary: Sequence[str]) -> None:
    """Print a row for each result.

    Args:
        results: the results; the run's own engine first.
        primary: names of the scores that are columns.
    """
    console = Console(soft_wrap=True, highlight=False)
    batches = list(results[0].milliseconds)
    head = ["engine", *primary, *(f"ms (batch {batch})" for batch in batches), "MB"]
    rows = [
        [
            result.name,
            *(format_score(result.scores.get(key, math.nan)) for key in primary),
            *(f"{result.milliseconds[batch]:.1f}" for batch in batches),
            f"{result.size / 1e6:.1f}",
        ]
        for result in results
    ]
    if len(results) > 1:
        head.append("difference")
        for row, result in zip(rows, results):
            row.append(_difference(result.differences))
    print_rows(console, "", [head, *rows])


def _difference(differences: Mapping[str, Any]) -> str:
    """The largest difference, relative to its output, and the largest share of unequal values."""
    compared = [parity for parity in differences.values() if not parity.is_empty]
    if not compared:
        return "nothing to compare" if differences else "-"
    worst = max(compared, key=lambda parity: parity.largest / max(parity.scale, 1e-12))
    text = f"{worst.largest:.1g} of {worst.scale:.3g}"
    unequal = max(parity.differing for parity in compared)
    return f"{text}, {unequal:.1%} unequal" if unequal else text
