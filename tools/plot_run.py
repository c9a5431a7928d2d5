"""Compare trainings: `python tools/plot_run.py runs/a runs/b --out compare.png`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from densefit.tools.console.argument_parser import Parser
from densefit.tools.recipes.plugins import use_plugins
from densefit.tools.recipes.program import program
from densefit.tools.report.run_history import read_runs
from densefit.tools.report.run_plots import draw
from densefit.tools.report.run_scores import chosen_keys, print_best


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    return program(lambda: run(arguments))


def run(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, then plot the curves."""
    parser = Parser(
        description="Plot losses, scores and learning rates of runs, and print their best scores.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("runs", nargs="*", metavar="RUN", help="run folders, or the .jsonl files in them")
    add("--out", default="compare.png", help="file of the plot (default: %(default)s)")
    add(
        "--keys",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="the numbers to compare, e.g. '*/mIoU' 'seg/IoU/*' (default: the losses, and the "
        "metrics' primary scores)",
    )
    add(
        "--by",
        choices=["update", "time"],
        default="update",
        help="x axis (default: %(default)s)",
    )
    add(
        "--lower",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="scores where lower is better, if no metric declares it",
    )
    add(
        "--plugins",
        action="append",
        default=[],
        metavar="FILE",
        help="a Python file that registers metrics of your own (docs/plugins.md)",
    )
    chosen = parser.parse_args(arguments)
    use_plugins(chosen.plugins)
    runs = read_runs(chosen.runs)
    losses, scores = chosen_keys(runs, chosen.keys)
    print_best(runs, scores, chosen.lower)
    left_out = draw(runs, losses, scores, Path(chosen.out), by_time=chosen.by == "time")
    if left_out:
        print(f"not plotted, for lack of space: {', '.join(left_out)} (choose with --keys)")
    print(f"wrote {chosen.out}")


if __name__ == "__main__":
    sys.exit(main())
