"""The plan of `densefit plan-tasks` against the truth: every group of heads, trained.

    python benchmarks/groupings.py --heads detection segmentation depth normals edges \
      --out runs/groupings -- --training.epochs 8

The training of all heads measures what they do for one another (the balancer `observed`, which adds
the losses up); each smaller group is trained likewise. A grouping's truth is the sum of its heads'
relative changes to the heads alone, of test scores; its prediction is what the plan says. A second
call with the same `--out` goes on. Settings behind `--` go to all trainings.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
from collections.abc import Sequence
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

from rich.console import Console
from scipy.stats import spearmanr

from densefit.checkpoint.storage import store
from densefit.tools.balance_comparison.arms import Arm
from densefit.tools.balance_comparison.runs import Runs, train_multi
from densefit.tools.grouping.plan import Plan, plans
from densefit.tools.plan_tasks import observed_state
from densefit.tools.report.task_runs import TaskRun, head_of
from densefit.tools.report.wide_table import print_rows
from densefit.train.balance.gradients.observed import affinity, mean_squares

TINY = ("--data.settings", "{length: 24, size: [32, 32]}", "--input_size", "[32, 32]")
SMALLEST = (*TINY, "--training.epochs", "2", "--training.validate_every", "2ep")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all groups, and print how good the plan was."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="multi_resnet18_rooms")
    parser.add_argument("--heads", nargs="+", default=["segmentation", "depth", "edges"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--smallest", action="store_true", help="try the program, in a minute")
    parser.add_argument("settings", nargs="*", help="settings of all trainings, behind --")
    options = parser.parse_args(arguments)
    if options.smallest:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), options.recipe, ["depth", "edges"], 1, SMALLEST)
    elif options.out is None:
        parser.error("--out names the folder of the trainings")
    else:
        measure(options.out, options.recipe, options.heads, options.seeds, tuple(options.settings))


def measure(
    out: Path, recipe: str, heads: Sequence[str], seeds: int, settings: Sequence[str]
) -> None:
    """Train each group with each seed, and print a table for each seed."""
    given = ("--engine", "torch", "--pictures", "false", *settings)
    words = ("--config", recipe, *given, "--training.best", "composite")
    runs = Runs(out, words, train_multi)
    results: list[dict[str, Any]] = []
    for seed in range(seeds):
        trained = {
            group: runs.run(arm(group, len(group) == len(heads)), seed)
            for size in range(1, len(heads) + 1)
            for group in combinations(heads, size)
        }
        whole = arm(tuple(heads), True)
        last = runs.folder_of(whole, seed) / "checkpoints"
        state = observed_state(last / ("last" if "last" in store.names(last) else "best"))
        measured = affinity(state)
        pairs = {(a, b): measured[f"{a}/{b}"][0] for a, b in permutations(heads, 2)}
        truth = {group: changes(group, trained) for group in trained}
        for steps, squares in (("normalised", mean_squares(state)), ("plain", None)):
            ranked = plans(heads, pairs, 1, dict.fromkeys(heads, 0), squares=squares)
            results.append({"seed": seed, "steps": steps, **compared(ranked, truth)})
            show(results[-1], f"Seed {seed}, {steps} steps")
    (out / "groupings.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")


def arm(group: tuple[str, ...], is_observed: bool) -> Arm:
    """The training of a group of heads."""
    balance = "{name: observed}" if is_observed else "null"
    chosen = ("--only", f"[{', '.join(group)}]", "--training.balance", balance)
    return Arm("+".join(group), chosen if len(group) > 1 else chosen[:2])


def changes(group: tuple[str, ...], trained: dict[tuple[str, ...], TaskRun]) -> dict[str, float]:
    """Head -> relative change of its test score to the head alone; above 0 it is better."""
    result = {}
    for name, score in trained[group].scores.items():
        head = head_of(name)
        alone = trained[(head,)]
        sign = 1 if alone.higher[name] else -1
        result[head] = sign * (score / alone.scores[name] - 1)
    return result


def compared(ranked: Sequence[Plan], truth: dict[tuple[str, ...], dict[str, float]]) -> Any:
    """Rank correlations, and the truth of what was chosen and of what it is compared with."""

    def true(plan: Plan) -> float:
        return math.fsum(truth[group][head] for group in plan.groups for head in group)

    groups = {group: plan.gains for plan in ranked for group in plan.groups if len(group) > 1}
    gains = [(by[head], truth[group][head]) for group, by in groups.items() for head in group]
    rows = []
    for networks in range(1, max(len(plan.groups) for plan in ranked) + 1):
        within = [plan for plan in ranked if len(plan.groups) <= networks]
        best = max(within, key=true)
        equal = [true(p) for p in within if len(p.groups) == len(within[0].groups)]
        rows.append(
            {
                "networks": networks,
                "chosen": str(within[0]),
                "truth": true(within[0]),
                "best": str(best),
                "best_truth": true(best),
                "random": statistics.fmean(equal),
                "together": next(true(p) for p in ranked if len(p.groups) == 1),
            }
        )
    predicted, actual = [plan.total for plan in ranked], [true(plan) for plan in ranked]
    return {
        "groupings": len(ranked),
        "rank_correlation": float(spearmanr(predicted, actual).statistic),
        "gain_correlation": float(spearmanr(*zip(*gains)).statistic) if len(gains) > 2 else None,
        "budgets": rows,
        "truth": {"+".join(group): values for group, values in truth.items()},
    }


def show(result: Any, title: str) -> None:
    """Print a comparison."""
    names = ["networks at most", "the plan", "its truth", "the best", "its truth"]
    rows = [[*names, "random, same cost", "all together", "all alone"]]
    for row in result["budgets"]:
        numbers = [row["random"], row["together"], 0.0]
        rows.append(
            [
                str(row["networks"]),
                row["chosen"],
                f"{100 * row['truth']:+.1f} %",
                row["best"],
                f"{100 * row['best_truth']:+.1f} %",
                *(f"{100 * number:+.1f} %" for number in numbers),
            ]
        )
    print_rows(Console(soft_wrap=True), f"{title}: sums of relative changes", rows)
    print(
        f"rank correlation of {result['groupings']} groupings: {result['rank_correlation']:+.2f}; "
        f"of heads' gains in groups: {result['gain_correlation']}"
    )


if __name__ == "__main__":
    main()
