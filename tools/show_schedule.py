"""Show learning-rate schedules: `python tools/show_schedule.py "cosine lr=0.1 warmup=5%" poly`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from densefit.config import parse
from densefit.errors import ConfigError, DensefitError
from densefit.tools.recipes.data.multi_dataset import updates_per_epoch
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.out_folder import make_folder
from densefit.tools.recipes.parts import make_schedule
from densefit.tools.recipes.plugins import use_plugins
from densefit.tools.recipes.program import program
from densefit.tools.recipes.schedule_text import as_text, from_text, resolved
from densefit.tools.report.schedule_views import Shown, plot_rates, print_rates
from densefit.train.schedules import Schedule
from densefit.visualize.plotting import is_available

_PICTURE, _PICTURES = "schedule.png", (".png", ".pdf", ".svg")
_EPOCH = 100  # updates of an epoch without a dataset


@dataclass
class Showing(MultiRecipe):
    __doc__ = f"""{str(MultiRecipe.__doc__).rstrip()}
        schedules: what is shown beside each other: a name with settings ("cosine lr=0.1
            warmup=5%"; by default lr is 1), or as a recipe has it ("{{name: cosine, lr: 0.1}}").
            The recipe's own comes first if --config names one, and is shown if nothing else is.
        epochs: length of the training; by default the recipe's.
        updates: the same in updates; one of the two.
        updates_per_epoch: by default counted in the recipe's data; 100 without a recipe.
        png: the picture; by default schedule.png in the folder that --out names on the command
            line, else here. An --out that ends in .png, .pdf or .svg is the picture itself.
    """

    schedules: list[str] = field(default_factory=list)
    epochs: int | None = None
    updates: int | None = None
    updates_per_epoch: int | None = None
    png: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Show how learning rates go: a table, a line of characters each, and a picture."
    given = list(sys.argv[1:] if arguments is None else arguments)
    recipe = any(argument.split("=")[0] == "--config" for argument in given)

    def work() -> None:
        showing, _ = parse(Showing, given, description=text, positional="schedules")
        use_plugins(showing.plugins)
        if showing.png is None:  # the recipe's own `out` is for its training
            is_told = any(argument.split("=")[0] == "--out" for argument in given)
            showing = replace(showing, png=str(picture_in(showing.out if is_told else ".")))
        run(showing, recipe or not showing.schedules, recipe)

    return program(work)


def run(showing: Showing, own: bool, counted: bool) -> list[Shown]:
    """Print the schedules, and draw `showing.png`.

    Args:
        showing: the settings.
        own: whether the recipe's schedule is shown.
        counted: whether the updates of an epoch are counted in the recipe's data, if
            `updates_per_epoch` is not set.
    """
    per_epoch, total = length(showing, counted)
    chosen: dict[str, Schedule] = {}
    if own:
        chosen["recipe: " + as_text(showing.training.schedule)] = make_schedule(showing.training)
    for text in showing.schedules:
        chosen[text] = from_text(text)
    shown = [
        Shown(label, resolved(label, schedule, total, per_epoch), schedule.scored)
        for label, schedule in chosen.items()
    ]
    print_rates(shown, total, per_epoch)
    if is_available():
        png = Path(showing.png or _PICTURE)
        make_folder(png.parent)
        plot_rates(png, shown, total, per_epoch)
        print(f"wrote {png}")
    else:
        print("a picture needs matplotlib: pip install densefit[plot]")
    return shown


def picture_in(out: str) -> Path:
    """Path of the picture: `out` itself, or a file in the folder `out`.

    >>> str(picture_in("runs/a")), str(picture_in("runs/rates.png"))
    ('runs/a/schedule.png', 'runs/rates.png')
    """
    path = Path(out)
    return path if path.suffix.lower() in _PICTURES else path / _PICTURE


def length(showing: Showing, counted: bool) -> tuple[int, int]:
    """(updates per epoch, updates in all).

    Raises:
        ConfigError: the settings are contradictory or not positive, or the dataset is unreadable.
    """
    if showing.epochs is not None and showing.updates is not None:
        raise ConfigError(
            "A training's length is given in epochs or in updates",
            expected="one of the two",
            received=f"--epochs {showing.epochs} --updates {showing.updates}",
        )
    for setting in ("epochs", "updates", "updates_per_epoch"):
        value = getattr(showing, setting)
        if value is not None and value < 1:
            raise ConfigError(f"--{setting} is at least 1", received=value)
    per_epoch = showing.updates_per_epoch or (count(showing) if counted else _EPOCH)
    epochs = showing.training.epochs if showing.epochs is None else showing.epochs
    return per_epoch, epochs * per_epoch if showing.updates is None else showing.updates


def count(recipe: MultiRecipe) -> int:
    """Count the updates of an epoch on the recipe's data."""
    try:
        return updates_per_epoch(recipe)
    except DensefitError as error:
        raise ConfigError(
            f"How many updates an epoch has cannot be counted: {error.what}",
            received=error.received,
            where=error.where,
            fix="--updates_per_epoch N" + (f", or {error.fix}" if error.fix else ""),
        ) from error


if __name__ == "__main__":
    sys.exit(main())
