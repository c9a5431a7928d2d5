"""The dataclass that a recipe is read by, and the tasks that it trains."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.recipe import Recipe
from densefit.yaml_files.document import Document, read_document
from densefit.yaml_files.recipe import recipe_path


def recipe_kind(words: Sequence[str]) -> type[Recipe]:
    """The dataclass of a command line's recipe: that of several tasks where it has some.

    A record of a run is read by the dataclass that wrote it, so that the run is repeated as it was.
    """
    settings = {key: value for recipe in _recipes(words) for key, value in recipe.items()}
    options = {word[2:].partition("=")[0].partition(".")[0] for word in words if word[:2] == "--"}
    more = {field.name for field in dataclasses.fields(MultiRecipe)} - {
        field.name for field in dataclasses.fields(Recipe)
    }
    model = settings.get("model")
    heads = model.get("heads") if isinstance(model, Mapping) else None
    has_several = isinstance(heads, Mapping) and len(heads) > 1
    return MultiRecipe if has_several or more & {*settings, *options} else Recipe


def _recipes(words: Sequence[str]) -> list[Mapping[str, Any]]:
    """Content of the recipes that a command line names."""
    recipes = []
    for index, word in enumerate(words):
        option, equals, path = word.partition("=")
        if option != "--config":
            continue
        path = path if equals else next(iter(words[index + 1 :]), "")
        if path and not path.startswith("--"):
            is_text = path.lstrip().startswith("{")
            document = Document(path) if is_text else read_document(recipe_path(path))
            recipes.append(document.value if isinstance(document.value, Mapping) else {})
    return recipes


def check_tasks(recipe: Recipe, tasks: Sequence[str]) -> None:
    """Give a recipe without heads those of the tasks; else compare them.

    Raises:
        ConfigError: there is no task, or one is not the recipe's.
    """
    heads = recipe.model.heads
    if not heads:
        heads.update({task: {"task": task} for task in tasks})
    if not heads:
        raise ConfigError(
            "The recipe has no head: what is to be trained?",
            expected="a task, as detection or segmentation",
            fix="densefit train TASK --config RECIPE; densefit list tasks",
        )
    present = [settings.get("task", name) for name, settings in heads.items()]
    missing = [task for task in tasks if task not in {*present, *heads}]
    if missing:
        raise ConfigError(
            f"The recipe has no head for {missing[0]}",
            received=", ".join(present),
            fix="leave the task out: it is read off the recipe",
        )
