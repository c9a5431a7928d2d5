"""Find a learning rate: `python tools/find_lr.py --config configs/NAME.yaml --out DIR`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from densefit.errors import writing
from densefit.tools.recipes.data.multi_dataset import training_side
from densefit.tools.recipes.init_from import begin_from
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.parts import make_groups
from densefit.tools.recipes.plugins import parse_and_import
from densefit.tools.recipes.pretrained import begin_with_weights
from densefit.tools.recipes.program import program
from densefit.tools.recipes.run.out_folder import make_folder
from densefit.tools.report.lr_search import SearchProgress, summary
from densefit.train.find_lr import find_lr
from densefit.train.lr_search_result import RateSearch
from densefit.visualize.plotting import is_available


@dataclass
class Search(MultiRecipe):
    __doc__ = f"""{str(MultiRecipe.__doc__).rstrip()}
        start: first learning rate of the search; the rate of the schedule has no effect.
        end: last learning rate; the search ends earlier if the loss diverges.
        updates: number of updates from the first to the last rate.
        loss: training number to plot, "<head>/<number>"; by default the sum of the heads' losses.
    """

    start: float = 1e-7
    end: float = 10.0
    updates: int = 100
    loss: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Train with a rising learning rate, and plot the loss over the rate (find_lr.png)."
    return program(lambda: run(parse_and_import(Search, arguments, text)))


def run(search: Search) -> RateSearch:
    """Search, write `find_lr.csv` and `find_lr.png`, and print the suggested rates.

    The heads' losses are added up, without the recipe's balance: balances begin with equal weights,
    and a rate has the same meaning in all of them.
    """
    network, loader = training_side(search)
    training = search.training
    begin_with_weights(network, search)
    begin_from(network, search)
    network.engine_name = search.engine
    out = make_folder(search.out or "runs/find_lr")
    with loader:
        result = find_lr(
            network,
            loader,
            start=search.start,
            end=search.end,
            updates=search.updates,
            loss=search.loss,
            callbacks=[SearchProgress(search.updates)],
            optimizer=training.optimizer,
            optimizer_params=training.optimizer_params,
            accumulate=training.accumulate,
            clip_norm=training.clip_norm,
            groups=make_groups(training, network),
            freeze=training.freeze,
            precision=training.precision,
            seed=search.seed,
            devices=search.devices or None,
        )
    with (
        writing(out / "find_lr.csv"),
        open(out / "find_lr.csv", "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["lr", "loss", "smoothed"])
        writer.writerows(zip(result.rates, result.losses, result.smooth.tolist()))
    has_plot = is_available()
    if has_plot:
        result.plot(out / "find_lr.png")
    print(summary(result, search.end))
    pictures = "find_lr.png and " if has_plot else ""
    without = "" if has_plot else " (a plot needs matplotlib: pip install densefit[plot])"
    print(f"wrote {pictures}find_lr.csv to {out}{without}")
    return result


if __name__ == "__main__":
    sys.exit(main())
