"""Begin a training of the command line: settings, folder and a first line, then slow imports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import densefit
from densefit.config import parse
from densefit.distributed import world
from densefit.tools.recipes.program import program
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.run.out_folder import new_folder, newest_folder, recipe_name
from densefit.tools.recipes.run.run_state import finished_run
from densefit.tools.recipes.words.command_line import completed
from densefit.tools.recipes.words.plain_words import with_dotted
from densefit.train.setup.restarted import begun_folder, resume_after_restart

Kind = TypeVar("Kind", bound=Recipe)
RUNS = "runs"


def main(
    kind: type[Kind],
    description: str,
    arguments: Sequence[str] | None = None,
    prepare: Callable[[Any], Any] | None = None,
) -> int:
    """Parse settings from the command line, train, and return the exit code.

    Args:
        kind: the recipe's dataclass.
        description: first lines of the help.
        arguments: command line; by default the program's.
        prepare: function that makes network and data of a recipe; None for that of one dataset.
    """

    def work() -> None:
        words = completed(sys.argv[1:] if arguments is None else arguments)
        recipe, _ = parse(kind, with_dotted(words, kind), description=description)
        begin(recipe, words, description, prepare)

    return program(work)


def begin(
    recipe: Recipe,
    words: Sequence[str],
    description: str,
    prepare: Callable[[Any], Any] | None = None,
    is_planned: bool = False,
) -> None:
    """Choose the folder of a run, print the first line, and train.

    Args:
        recipe: settings of the run.
        words: the command line.
        description: what is done, a sentence.
        prepare: function that makes network and data of a recipe; None for that of one dataset.
        is_planned: whether a plan with batch and length was printed.
    """
    is_named = names_folder(words)
    done = choose_folder(recipe, words)
    if world().is_first:
        what = description[:1].lower() + description[1:].rstrip(".")
        line = f"densefit {densefit.__version__}: {what}, in {recipe.out}"
        print(line if done is None else done, flush=True)
    if done is not None:
        return
    try:
        # MXNet and the rest of densefit take seconds to import.
        from densefit.tools.recipes.run.training import train

        train(recipe, prepare, is_planned)
    finally:
        if not is_named and world().is_first:
            with suppress(OSError):  # it is not empty
                Path(recipe.out).rmdir()


def choose_folder(recipe: Recipe, words: Sequence[str]) -> str | None:
    """Choose the folder and checkpoint of a run, the same on all ranks; writes both into `recipe`.

    A folder that the command line names is taken as it is. Else it is the recipe's `out`, or
    runs/NAME, of the recipe's name; if that exists, `out-2` and so on, and with `--resume auto` the
    newest of these.

    Args:
        recipe: settings of the run.
        words: the command line.

    Returns:
        A line that says that the run is finished already; None: there is work.

    Raises:
        CheckpointError: see `finished_run`.
        ConfigError: no folder can be made.
    """
    ranks, done = world(), None
    if ranks.is_first:
        if not names_folder(words):
            recipe.out = recipe.out or str(Path(RUNS) / recipe_name(words, "train"))
            recipe.out = str(_numbered(recipe))
        recipe.resume = resume_after_restart(recipe.resume, Path(recipe.out) / "checkpoints")
        done = finished_run(recipe)
    recipe.out, recipe.resume, done = ranks.broadcast(
        "folder of the run", [recipe.out, recipe.resume, done]
    )
    return done


def names_folder(words: Sequence[str]) -> bool:
    """Whether a command line names the folder of the run."""
    return any(word.partition("=")[0] == "--out" for word in words)


def _numbered(recipe: Recipe) -> Path:
    """Return the folder of a run whose command line names none."""
    begun = begun_folder()
    if begun is not None:  # of the start before this one, of the same launch
        return begun
    out = Path(recipe.out)
    newest = newest_folder(out.parent, out.name) if recipe.resume == "auto" else None
    return newest or new_folder(out.parent, out.name)
