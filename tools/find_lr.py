"""Find a learning rate: `python tools/find_lr.py --config configs/NAME.yaml --out DIR`."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from densefit.callbacks import Callback, Control, TrainState
from densefit.config import parse
from densefit.errors import writing
from densefit.tools.recipes.init_from import begin_from
from densefit.tools.recipes.multi_dataset import training_side
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.out_folder import make_folder
from densefit.tools.recipes.program import program
from densefit.tools.recipes.recipe import make_groups
from densefit.train.find_lr import find_lr
from densefit.train.lr_search_result import RateSearch
from densefit.visualize.plotting import is_available


@dataclass
class Search(MultiRecipe):
    __doc__ = f"""{str(MultiRecipe.__doc__).rstrip()}
        start: the first learning rate of the search; that of the schedule has no effect.
        end: the last one; the search ends before if the loss diverges.
        updates: from the first to the last.
        loss: the training number that is looked at, "<head>/<number>"; by default the heads'
            losses together.
    """

    start: float = 1e-7
    end: float = 10.0
    updates: int = 100
    loss: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Train while the learning rate rises, and draw the loss over it (find_lr.png)."
    return program(lambda: run(parse(Search, arguments, description=text)[0]))


def run(search: Search) -> RateSearch:
    """Search, write `find_lr.csv` and `find_lr.png`, and print the suggested rates.

    The heads' losses are added up, without the recipe's balance: balances begin with equal weights,
    and a rate has the same meaning in all of them.
    """
    network, loader = training_side(search)
    training = search.training
    begin_from(network, search)
    out = make_folder(search.out)
    with loader:
        found = find_lr(
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
        )
    with (
        writing(out / "find_lr.csv"),
        open(out / "find_lr.csv", "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["lr", "loss", "smoothed"])
        writer.writerows(zip(found.rates, found.losses, found.smooth.tolist()))
    drawn = is_available()
    if drawn:
        found.plot(out / "find_lr.png")
    print(summary(found, search))
    pictures = "find_lr.png and " if drawn else ""
    without = "" if drawn else " (a picture needs matplotlib: pip install densefit[plot])"
    print(f"wrote {pictures}find_lr.csv to {out}{without}")
    return found


def summary(found: RateSearch, search: Search) -> str:
    """Describe the result in a few lines."""
    if not found.rates:
        return "the loss was not finite at the first update: look at the data and the labels"
    lines = [
        f"{len(found.rates)} updates at rates of {found.rates[0]:.2g} to {found.rates[-1]:.2g}"
    ]
    lines.append(
        "the loss diverged at the last of them"
        if found.diverged
        else f"the loss did not diverge: a higher --end than {search.end:g} would show more"
    )
    if found.steepest is None or found.tenth is None:
        lines.append(
            "no rate can be suggested: the loss did not fall by more than its noise; try more "
            "--updates, or a larger --training.batch_size"
        )
    else:
        lines += [
            f"  steepest descent          {found.steepest:.2g}",
            f"  a tenth of the minimum's  {found.tenth:.2g}",
            f"to begin with: --training.schedule.lr {min(found.steepest, found.tenth):.2g}",
        ]
    return "\n".join(lines)


class SearchProgress(Callback):
    """Print the progress of the search on standard error.

    Args:
        updates: number of updates of the search.
        every: seconds between two lines.
        clock: function that returns the time in seconds.
    """

    def __init__(
        self, updates: int, every: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._updates, self._every, self._clock = updates, every, clock
        self._told = clock()

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Print a line if the interval has passed."""
        if self._clock() - self._told >= self._every:
            self._told = self._clock()
            print(
                f"searching: update {state.update}/{self._updates}, rate {state.lr:.2g}",
                file=sys.stderr,
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(main())
