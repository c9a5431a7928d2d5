"""Compare ways of balancing heads.

python tools/compare_balance.py --recipe multi_resnet18_shapes
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from densefit.config import parse
from densefit.errors import ConfigError, writing
from densefit.registry import nearest
from densefit.tools.balance_comparison.arms import FIXED, Arm, alone, ways
from densefit.tools.balance_comparison.compare import compared, intervals, train_all
from densefit.tools.balance_comparison.report import as_json, draw, note, rows
from densefit.tools.balance_comparison.runs import Runs, train_multi
from densefit.tools.balance_comparison.tuning import is_tunable, tuned
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.program import program
from densefit.tools.recipes.run.out_folder import make_folder
from densefit.tools.report.task_tables import markdown
from densefit.tools.report.wide_table import print_rows
from densefit.visualize.plotting import is_available

TITLE = "Ways of training all heads, on the test data"


@dataclass
class Comparing:
    """Train each head alone, and all heads by each method, with the same seeds, and compare them.

    What is done is not trained again: more seeds or methods can be added by a second call.

    Args:
        recipe: a recipe of several heads: a file, or the name of one that densefit has.
        methods: balancers to compare with equal weights.
        variants: name -> dotted settings of the recipe, which are compared, too.
        distill: heads that, in one arm more, learn from the same head alone with the same seed.
        seeds: how many: 0, 1, 2 ...
        trials: trainings that search for fixed weights, and for the settings of each balancer that
            has some; 0 for none.
        out: folder of the trainings and of balance.md, balance.json and balance.png.
    """

    recipe: str = ""
    methods: list[str] = field(default_factory=lambda: ["uncertainty", "dwa", "gradnorm"])
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    distill: list[str] = field(default_factory=list)
    seeds: int = 3
    trials: int = 0
    out: str = "runs/balance"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; settings behind `--` are those of all trainings."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    at = words.index("--") if "--" in words else len(words)
    text = "Compare ways of balancing heads, with seeds: does any of them help here?"
    return program(lambda: run(parse(Comparing, words[:at], description=text)[0], words[at + 1 :]))


def run(chosen: Comparing, settings: Sequence[str] = (), **replaced: Any) -> int:
    """Train, compare, print and write.

    Args:
        chosen: what is compared.
        settings: options of all trainings.
        replaced: `train` of `Runs`, and `start` of `tuned`: for tests.

    Returns:
        1 if a training failed, else 0.
    """
    if chosen.seeds < 1 or chosen.trials < 0:
        raise ConfigError(
            "A comparison needs seeds",
            expected="seeds of 1 or more, trials of 0 or more",
            received=f"seeds={chosen.seeds}, trials={chosen.trials}",
        )
    names = _heads(chosen.recipe, settings)
    for name in chosen.distill:
        if name not in names:
            raise ConfigError(
                f"There is no head {name!r} to distil",
                expected=f"some of {', '.join(names)}",
                where="--distill",
                fix=nearest(name, names),
            )
    heads, methods = alone(names), ways(chosen.methods, chosen.variants, chosen.distill)
    out = make_folder(chosen.out)
    words = ("--config", chosen.recipe, "--pictures", "false", *settings)
    runs = Runs(out, words, replaced.get("train", train_multi))
    if chosen.trials:
        methods = _with_tuned(runs, heads, methods, chosen, replaced.get("start"))
    measured = train_all(runs, heads, methods, range(chosen.seeds))
    against_alone, against_equal = intervals(measured, methods), compared(measured, methods)
    table = rows(measured, methods, against_alone, against_equal)
    print_rows(Console(soft_wrap=True), TITLE, table)
    print(note(against_equal))
    with writing(out / "balance.md"):
        text = markdown({TITLE: table}, note(against_equal))
        (out / "balance.md").write_text(text, encoding="utf-8")
    content = as_json(measured, against_alone, against_equal)
    with writing(out / "balance.json"):
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (out / "balance.json").write_text(f"{text}\n", encoding="utf-8")
    files = "balance.md, balance.json"
    if against_alone and is_available():
        draw(measured, against_alone, out / "balance.png")
        files += ", balance.png"
    print(f"wrote {files} to {out}")
    for line in measured.failures:
        print(f"failed: {line.splitlines()[0]}", file=sys.stderr)
    return 1 if measured.failures else 0


def _with_tuned(
    runs: Runs, heads: Sequence[Arm], methods: Sequence[Arm], chosen: Comparing, start: Any
) -> list[Arm]:
    """The methods, with fixed weights behind the control, and the settings of the best trials."""
    seed = chosen.seeds + 1000  # none of those that are compared
    by_name = {arm.name: arm for arm in methods}
    control, *rest = methods
    search = [FIXED, *(name for name in chosen.methods if is_tunable(name))]
    for name in search:
        by_name[name] = tuned(runs, name, heads, chosen.trials, seed, start)
    return [control, by_name[FIXED], *(by_name[arm.name] for arm in rest)]


def _heads(recipe: str, settings: Sequence[str]) -> list[str]:
    """Names of the heads of a recipe. Raises ConfigError for fewer than two."""
    if not recipe:
        raise ConfigError("Which recipe is compared is not said", fix="--recipe RECIPE")
    parsed = parse(MultiRecipe, ["--config", recipe, *settings])[0]
    heads = [name for name in parsed.model.heads if not parsed.only or name in parsed.only]
    if len(heads) < 2:
        raise ConfigError(
            "Balancing is of several heads", received=", ".join(heads) or "none", where=recipe
        )
    return heads


if __name__ == "__main__":
    sys.exit(main())
