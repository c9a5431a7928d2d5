"""Compare runs: `python tools/compare.py runs/a runs/b --out compare.png`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from densefit.config import parse
from densefit.tools import compare_tasks
from densefit.tools.recipes.program import program
from densefit.tools.recipes.run.out_folder import make_folder
from densefit.tools.report.run_comparison import compare_runs, have_equal_heads, read_compared


@dataclass
class Comparing:
    """Compare two or more runs of the training tools.

    Runs of the same heads are compared with each other: test scores, settings that differ, and
    curves in one picture. Runs of other heads are compared as tasks alone and together.

    Args:
        runs: run folders, in any order.
        out: picture of the curves; of tasks alone and together the folder for tasks.md and
            tasks.json, by default not written.
    """

    runs: list[str] = field(default_factory=list)
    out: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Compare runs: scores, settings and curves side by side."
    return program(lambda: run(parse(Comparing, arguments, description=text, positional="runs")[0]))


def run(chosen: Comparing) -> None:
    """Compare runs of the same heads directly, others as tasks alone and together."""
    runs = read_compared(chosen.runs)
    if not have_equal_heads(runs):
        compare_tasks.run(compare_tasks.Comparing(chosen.runs, chosen.out))
        return
    path = Path(chosen.out or "compare.png")
    make_folder(path.parent)
    compare_runs(runs, path)


if __name__ == "__main__":
    sys.exit(main())
