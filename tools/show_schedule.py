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
from densefit.tools.recipes.parts import make_schedule
from densefit.tools.recipes.plugins import use_plugins
from densefit.tools.recipes.program import program
from densefit.tools.recipes.run.out_folder import make_folder
from densefit.tools.recipes.words.command_line import completed
from densefit.tools.recipes.words.plain_words import with_dotted
from densefit.tools.recipes.words.schedule_text import as_text, from_text, resolved
from densefit.tools.report.schedule_views import NamedSchedule, plot_rates, print_rates
from densefit.train.schedules import Schedule
from densefit.visualize.plotting import is_available

_PICTURE, _PICTURES = "schedule.png", (".png", ".pdf", ".svg")
_EPOCH = 100  # updates of an epoch without a dataset


@dataclass
class Showing(MultiRecipe):
    __doc__ = f"""{str(MultiRecipe.__doc__).rstrip()}
        schedules: schedules to compare: name and settings ("cosine lr=0.1 warmup=5%"; lr is 1 by
            default), or as in a recipe ("{{name: cosine, lr: 0.1}}"). The recipe's schedule comes
            first if --config names a recipe, and is shown if there is no other.
        epochs: length of the training in epochs; by default the recipe's.
        updates: length of the training in updates, in place of epochs.
        updates_per_epoch: by default counted in the recipe's data; 100 without a recipe.
        png: file of the plot; by default schedule.png in the folder --out, if it is set on the
            command line, else here. An --out that ends in .png, .pdf or .svg is the file itself.
    """

    schedules: list[str] = field(default_factory=list)
    epochs: int | None = None
    updates: int | None = None
    updates_per_epoch: int | None = None
    png: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Show learning rates over a training: a table, sparklines and a plot."
    words = completed(sys.argv[1:] if arguments is None else arguments)
    recipe = any(word.split("=")[0] == "--config" for word in words)

    def work() -> None:
        showing, _ = parse(
            Showing, with_dotted(words, Showing), description=text, positional="schedules"
        )
        use_plugins(showing.plugins)
        if showing.png is None:  # `out` of a recipe is the folder of its training
            has_out = any(word.split("=")[0] == "--out" for word in words)
            showing = replace(showing, png=str(picture_in(showing.out if has_out else ".")))
        run(showing, recipe or not showing.schedules, recipe)

    return program(work)


def run(showing: Showing, with_recipe: bool, counted: bool) -> list[NamedSchedule]:
    """Print the schedules, and plot them to `showing.png`.

    Args:
        showing: the settings.
        with_recipe: whether the recipe's schedule is shown.
        counted: whether the updates of an epoch are counted in the recipe's data, if
            `updates_per_epoch` is not set.
    """
    per_epoch, total = length(showing, counted)
    chosen: dict[str, Schedule] = {}
    if with_recipe:
        chosen["recipe: " + as_text(showing.training.schedule)] = make_schedule(showing.training)
    for text in showing.schedules:
        chosen[text] = from_text(text)
    named_schedules = [
        NamedSchedule(label, resolved(label, schedule, total, per_epoch), schedule.scored)
        for label, schedule in chosen.items()
    ]
    print_rates(named_schedules, total, per_epoch)
    if is_available():
        png = Path(showing.png or _PICTURE)
        make_folder(png.parent)
        plot_rates(png, named_schedules, total, per_epoch)
        print(f"wrote {png}")
    else:
        print("a plot needs matplotlib: pip install densefit[plot]")
    return named_schedules


def picture_in(out: str) -> Path:
    """Path of the plot: `out` itself, or a file in the folder `out`.

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
            "The length of a training is either in epochs or in updates",
            expected="one of the two",
            received=f"--epochs {showing.epochs} --updates {showing.updates}",
        )
    for setting in ("epochs", "updates", "updates_per_epoch"):
        value = getattr(showing, setting)
        if value is not None and value < 1:
            raise ConfigError(f"--{setting} is at least 1", received=value)
    per_epoch = showing.updates_per_epoch or (count(showing) if counted else _EPOCH)
    epochs = showing.training.epochs if showing.epochs is None else showing.epochs
    if epochs < 1:
        raise ConfigError("--training.epochs is at least 1", received=epochs)
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
