"""Plan which heads to train together: `densefit plan-tasks runs/NAME`."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

from rich.console import Console

from densefit.checkpoint.storage import store
from densefit.checkpoint.weights.load import load
from densefit.errors import ConfigError, writing
from densefit.model.summary import summary
from densefit.tools.grouping.plan import Plan, plans
from densefit.tools.recipes.checkpoint_settings import checkpoint_path, recipe_of, settings
from densefit.tools.recipes.program import program
from densefit.tools.recipes.words.command_line import completed
from densefit.tools.recipes.words.image_size import image_size
from densefit.tools.report.wide_table import Rows, print_rows
from densefit.train.balance.gradients.observed import affinity, mean_squares
from densefit.yaml_files.paths import files_field

_SHOWN = 5  # plans
NORMALISED, PLAIN = "normalised", "plain"
#: Optimizers whose steps are as long as the gradient.
_PLAIN = ("sgd", "nag", "ccsgd", "dcasgd", "sgld")


@dataclass
class Planning:
    """Settings of a plan.

    Args:
        checkpoint: a run that was trained with `training.balance: {name: observed}`, or one of its
            checkpoints (the newest); may come first, without the option.
        budget: multiply-adds of all networks for an image, as a multiple of those of one network
            for all heads; by default any.
        image_size: HEIGHTxWIDTH of the image; as trained by default.
        steps: normalised, as Adam and its kin make them, or plain; by default as the training's
            optimizer does.
        out: JSON file of the affinities and plans; by default none.
        plugins: the Python files that the checkpoint was trained with (docs/plugins.md).
    """

    checkpoint: str | None = None
    budget: float | None = None
    image_size: str | None = None
    steps: str | None = None
    out: str | None = None
    plugins: list[str] = files_field()

    def __post_init__(self) -> None:
        if self.steps not in (None, NORMALISED, PLAIN):
            raise ConfigError(
                "Unknown steps", expected=f"{NORMALISED} or {PLAIN}", received=self.steps
            )

    def find_checkpoint(self) -> Path:
        """Path of the checkpoint that the settings name: of a run the newest, which saw most."""
        if self.checkpoint is not None:
            folder = Path(self.checkpoint) / "checkpoints"
            if folder.is_dir() and "last" in store.names(folder):
                return folder / "last"
        paths = {self.checkpoint} if self.checkpoint is not None else set()
        return checkpoint_path(paths, "densefit plan-tasks runs/NAME")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Plan which heads of a training to train together, and which apart."
    words = completed(sys.argv[1:] if arguments is None else arguments, "checkpoint", ())
    return program(lambda: run(*settings(Planning, text, words, needs_recipe=False)))


def run(chosen: Planning, checkpoint: Path) -> list[Plan]:
    """Print affinities and the best plans, and write them if `out` is given."""
    state = observed_state(checkpoint)
    measured = affinity(state)
    normalises = chosen.steps == NORMALISED or (chosen.steps is None and _normalises(checkpoint))
    network = load(checkpoint)
    heads = list(network.adapters)
    size = image_size(chosen.image_size, recipe_of(checkpoint, is_needed=False))
    products = {stage.name: stage.multiply_adds for stage in summary(network, size).stages}
    costs = {head: products.get(head, 0) for head in heads}
    trunk = sum(count for name, count in products.items() if name.startswith("stride "))
    whole = trunk + sum(costs.values())
    budget = math.inf if chosen.budget is None else chosen.budget * whole
    transfer = {
        (first, second): measured[f"{first}/{second}"][0]
        for first, second in permutations(heads, 2)
        if f"{first}/{second}" in measured
    }
    squares = mean_squares(state) if normalises else None
    ranked = plans(heads, transfer, trunk, costs, budget, squares)
    console = Console(soft_wrap=True)
    title = "What a step for the head of the row does for that of the column, % of its own step"
    print_rows(console, title, affinity_rows(heads, measured, 0, 100))
    print_rows(console, "Cosine between gradients", affinity_rows(heads, measured, 1, 1))
    print_rows(console, "Plans, the best first", plan_rows(ranked[:_SHOWN], whole))
    print(sentence(ranked[0], heads, transfer))
    if chosen.out is not None:
        path = Path(chosen.out)
        content = {
            "affinity": {pair: values[0] for pair, values in measured.items()},
            "cosine": {pair: values[1] for pair, values in measured.items()},
            "plans": [
                {"networks": plan.groups, "gains": plan.gains, "multiply_adds": plan.cost}
                for plan in ranked
            ],
        }
        with writing(path):
            path.write_text(f"{json.dumps(content, indent=1, ensure_ascii=False)}\n", "utf-8")
        print(f"wrote {path}")
    return ranked


def _normalises(checkpoint: Path) -> bool:
    """Whether the optimizer of a training makes steps of about one length: as most recipes' do."""
    recipe = recipe_of(checkpoint, is_needed=False) or {}
    return str(recipe.get("training", {}).get("optimizer", "adam")).lower() not in _PLAIN


def observed_state(checkpoint: Path) -> Mapping[str, Any]:
    """What the balancer `observed` has measured until a checkpoint.

    Raises:
        ConfigError: the training had another balancer, or has not compared gradients yet.
    """
    state: Any = store.read(checkpoint, only=[])[1].get("balance") or {}
    if not isinstance(state, Mapping) or not state.get("products"):
        raise ConfigError(
            "The training did not measure what its heads do for each other",
            where=checkpoint,
            fix="train with --training.balance '{name: observed}'",
        )
    return dict(state)


def affinity_rows(
    heads: Sequence[str],
    measured: Mapping[str, tuple[float, float, int]],
    number: int,
    factor: float,
) -> Rows:
    """A table of heads by heads."""
    digits = 2 if factor == 1 else 1
    table = [["", *heads]]
    for first in heads:
        values = (measured.get(f"{first}/{second}") for second in heads)
        cells = ("-" if v is None else f"{factor * v[number]:+.{digits}f}" for v in values)
        table.append([first, *cells])
    return table


def plan_rows(best: Sequence[Plan], whole: int) -> Rows:
    """A row for each plan."""
    table = [["networks", "sum of gains", "multiply-adds", "times one network"]]
    for plan in best:
        cost = f"{plan.cost / 1e9:,.2f} G"
        table.append([str(plan), f"{100 * plan.total:+.1f} %", cost, f"{plan.cost / whole:.2f}"])
    return table


def sentence(plan: Plan, heads: Sequence[str], transfer: Mapping[Any, float]) -> str:
    """Say what the plan means: who helps whom most, and who is harmed most if all are together."""
    pairs = [(transfer[a, b], a, b) for a in heads for b in heads if a != b]
    best, worst = max(pairs), min(pairs)
    parts = [f"Train {plan}."]
    if best[0] > 0:
        parts.append(f"{best[2]} gains most from {best[1]} ({100 * best[0]:+.1f} %).")
    if worst[0] < 0:
        parts.append(f"{worst[2]} loses most by {worst[1]} ({100 * worst[0]:+.1f} %).")
    return " ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
