"""Compare multi-task with single-task networks: `python tools/compare_tasks.py RUNS`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from rich.console import Console

from densefit.config import parse
from densefit.errors import writing
from densefit.tools.recipes.program import program
from densefit.tools.recipes.run.out_folder import make_folder
from densefit.tools.report.task_comparison import Comparison, compare
from densefit.tools.report.task_runs import as_plain, grouped, read_task_runs
from densefit.tools.report.task_tables import markdown, note, tables
from densefit.tools.report.wide_table import print_rows


@dataclass
class Comparing:
    """Compare finished runs of the training tools on the test data.

    Runs with several heads are compared with runs of one of these heads each; runs that differ
    only in their seeds are grouped.

    Args:
        runs: run folders, in any order.
        out: folder for tasks.md and tasks.json; by default they are not written.
    """

    runs: list[str] = field(default_factory=list)
    out: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Compare one network for several tasks with a network for each of them."
    return program(lambda: run(parse(Comparing, arguments, description=text, positional="runs")[0]))


def run(chosen: Comparing) -> Comparison:
    """Print the tables, and write them if `out` is given."""
    comparison = compare(grouped(read_task_runs(chosen.runs)))
    tables_by_title = tables(comparison)
    console = Console(soft_wrap=True)
    for title, rows in tables_by_title.items():
        print_rows(console, title, rows)
    print(note(comparison))
    if chosen.out is not None:
        out = make_folder(chosen.out)
        with writing(out / "tasks.md"):
            (out / "tasks.md").write_text(
                markdown(tables_by_title, note(comparison)), encoding="utf-8"
            )
        text = json.dumps(
            as_plain(asdict(comparison)), indent=1, ensure_ascii=False, allow_nan=False
        )
        with writing(out / "tasks.json"):
            (out / "tasks.json").write_text(f"{text}\n", encoding="utf-8")
        print(f"wrote tasks.md and tasks.json to {out}")
    return comparison


if __name__ == "__main__":
    sys.exit(main())
