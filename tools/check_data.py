"""Check the data of a recipe: `python tools/check_data.py configs/NAME.yaml --html report.html`.

Or data without a recipe: `python tools/check_data.py --data.dataset yolo --data.root DIR`. Exits
with 1 if samples cannot be used.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from densefit.tools.data_check.program import checked_report
from densefit.tools.data_check.report_page import write_page
from densefit.tools.data_check.report_text import print_report
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.plugins import parse_and_import
from densefit.tools.recipes.program import program
from densefit.tools.recipes.words.command_line import completed
from densefit.tools.report.report import write_json


@dataclass
class CheckRecipe(MultiRecipe):
    __doc__ = f"""{str(MultiRecipe.__doc__).rstrip()}
        deep: decode every image, and check masks and all other labels too (`--deep`).
        json: file to write the report to, as JSON.
        html: file to write the report to, as a page with some images.
    """

    deep: bool = False
    json: str | None = None
    html: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns 1 if samples cannot be used."""
    sound = True

    def work() -> None:
        nonlocal sound
        words = sys.argv[1:] if arguments is None else arguments
        words = completed(words, "config", ["deep"])
        recipe = parse_and_import(CheckRecipe, words, "Check the data of a recipe.")
        check, report = checked_report(recipe, recipe.deep, "--config" in words)
        print_report(report)
        if recipe.json is not None:
            write_json(Path(recipe.json), report)
        if recipe.html is not None:
            write_page(Path(recipe.html), report, check)
        sound = report["sound"]

    code = program(work)
    return code or int(not sound)


if __name__ == "__main__":
    sys.exit(main())
