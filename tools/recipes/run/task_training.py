"""Train by a recipe whose task is read off it, or by folders whose recipe is planned."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage import store
from densefit.config import parse
from densefit.distributed import world
from densefit.errors import ConfigError
from densefit.plugin_files import import_plugins
from densefit.tools.recipes.checkpoint_settings import recipe_of
from densefit.tools.recipes.data.division import read_once
from densefit.tools.recipes.data.multi_dataset import prepare_datasets
from densefit.tools.recipes.data.run_data import RunData, prepare
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.planning.folders import dataset_names, split_folders
from densefit.tools.recipes.planning.options import PlanOptions
from densefit.tools.recipes.planning.plan import Line, machine_of, plan, planned_batch
from densefit.tools.recipes.planning.starting_recipe import starting_recipe
from densefit.tools.recipes.planning.time_plan import plan_time
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.recipe_kind import check_tasks, recipe_kind
from densefit.tools.recipes.run.out_folder import newest_folder, recipe_name
from densefit.tools.recipes.run.train import RUNS, begin, names_folder
from densefit.tools.recipes.words.command_line import completed
from densefit.tools.recipes.words.plain_words import with_dotted

TEXT = "Train a network of one task or several, on one dataset or several."


@read_once()
def train_tasks(tasks: Sequence[str], words: Sequence[str]) -> None:
    """Train by the options of a command line.

    A run that is resumed has the settings of its record: nothing is planned or measured again.

    Args:
        tasks: tasks that the command names; empty for those of the recipe.
        words: the other words.

    Raises:
        ConfigError: the tasks are not the recipe's, or an option is wrong.
    """
    options, words = PlanOptions.of(completed(words))
    folders, rest = split_folders(words)
    has_recipe = any(word.partition("=")[0] == "--config" for word in words)
    base: dict[str, Any] = {}
    if folders and not has_recipe:
        base = _of_folders(tasks, folders, rest)
        words = ["--config", json.dumps(base), *rest]
    elif len(folders) > 1:
        raise ConfigError(
            "A recipe with several datasets names their folders",
            received=" ".join(f"--data {folder}" for folder in folders),
            fix="--datasets.NAME.root DIR for each",
        )
    recipe, named = _parsed(words, rest)
    saved = _saved_recipe(recipe, words)
    if saved is not None and (base or options != PlanOptions()):
        recipe, named = _parsed(["--config", json.dumps(saved), *rest], rest)
        lines: list[Line] = [("settings", f"those of the run in {recipe.out}")]
    else:
        lines = plan(recipe, named) if base else []
        if options.time is not None:
            lines = [line for line in lines if line[0] != "length"]
        lines += _planned(recipe, named, options, is_planned=bool(base))
    share_decisions(recipe)
    check_tasks(recipe, tasks)
    for what, text in lines:
        print(f"{what + ':':<12}{text}", flush=True)
    if options.is_dry:
        print("nothing was written (--dry-run)")
        return
    heads = ", ".join(recipe.model.heads)
    is_planned = {"batch", "length"} <= {what for what, _ in lines}
    begin(recipe, words, f"Train {heads}.", _prepare, is_planned)


def check_options(words: Sequence[str]) -> None:
    """Raise ConfigError for an option that no training has, or a wrong value of a planning option.

    Args:
        words: of the command line, without tasks.
    """
    _, rest = PlanOptions.of(completed(words))
    with_dotted(rest, MultiRecipe)


def share_decisions(recipe: Recipe) -> None:
    """Take the first rank's decisions on all ranks: free memory and speed differ among machines."""
    training = recipe.training
    size, batch, epochs, every = world().broadcast(
        "plan of the training",
        [
            list(recipe.input_size),
            training.batch_size,
            training.epochs,
            training.validate_every,
        ],
    )
    recipe.input_size = (size[0], size[1])
    training.batch_size, training.epochs, training.validate_every = batch, epochs, every


def _of_folders(
    tasks: Sequence[str], folders: Sequence[str], words: Sequence[str]
) -> dict[str, Any]:
    """The starting recipe of tasks on folders."""
    if not tasks:
        raise ConfigError(
            "What is to be trained?",
            expected="a task, as detection or segmentation",
            fix="densefit train TASK --data DIR; densefit list tasks",
        )
    import_plugins(_parsed(words, words)[0].plugins)
    base = starting_recipe(tasks)
    if len(folders) == 1:
        base["data"]["root"] = os.path.abspath(folders[0])
    else:
        base["datasets"] = {
            name: {"root": os.path.abspath(folder)}
            for name, folder in dataset_names(folders).items()
        }
    return base


def _parsed(words: Sequence[str], typed: Sequence[str]) -> tuple[Recipe, set[str]]:
    """(settings, dotted keys that were typed)."""
    kind = recipe_kind(words)
    recipe, _ = parse(kind, with_dotted(words, kind), description=TEXT)
    dotted = with_dotted(typed, kind)
    return recipe, {word[2:].partition("=")[0] for word in dotted if word[:2] == "--"}


def _saved_recipe(recipe: Recipe, words: Sequence[str]) -> dict[str, Any] | None:
    """Settings of the run that a training continues, in its checkpoint; None if it begins."""
    out = Path(recipe.out or Path(RUNS) / recipe_name(words, "train"))
    if not names_folder(words) and recipe.resume == "auto":
        out = newest_folder(out.parent, out.name) or out
    checkpoint = store.resolve(recipe.resume, out / "checkpoints")
    return None if checkpoint is None else recipe_of(checkpoint, is_needed=False) or None


def _planned(recipe: Recipe, named: set[str], options: PlanOptions, is_planned: bool) -> list[Line]:
    """Plan the batch and the time of a training that begins, where the options ask for it."""
    lines: list[Line] = []
    if options.plans_batch and not is_planned:
        import_plugins(recipe.plugins)
        samples = len(_prepare(recipe).train.dataset)
        lines.append(planned_batch(recipe, samples, machine_of(recipe)))
    if options.time is not None:
        import_plugins(recipe.plugins)
        lines += plan_time(recipe, named, options.time, _prepare)
    return lines


def _prepare(recipe: Any) -> RunData:
    return prepare_datasets(recipe) if isinstance(recipe, MultiRecipe) else prepare(recipe)
