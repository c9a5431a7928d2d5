"""Absolute data paths in a recipe, so that a run's record is valid in any folder."""

from __future__ import annotations

import copy
import inspect
import os
from collections.abc import Mapping
from typing import Any, TypeVar

from densefit.checkpoint.weights.library.search import IMAGENET
from densefit.data.sample import datasets
from densefit.errors import ConfigError
from densefit.tools.recipes.data.groups import table_file
from densefit.tools.recipes.recipe import Recipe

Kind = TypeVar("Kind", bound=Recipe)


def with_absolute_paths(recipe: Kind) -> Kind:
    """Copy a recipe and make its paths absolute.

    Changed are plugin files, the file of weights, the folders of teachers, the roots of datasets,
    their settings that are annotated as paths, the folder of a cache, and the table of groups.
    """
    absolute = copy.deepcopy(recipe)
    absolute.plugins = [_absolute(path) for path in recipe.plugins]
    if recipe.model.weights != IMAGENET:
        absolute.model.weights = _absolute(recipe.model.weights)
    for name, teacher in recipe.training.distill.items():
        if isinstance(teacher, Mapping) and "teacher" in teacher:
            teacher = {**teacher, "teacher": _absolute(teacher["teacher"])}
        absolute.training.distill[name] = _absolute(teacher)
    for data in (absolute.data, *getattr(absolute, "datasets", {}).values()):
        paths = _paths(data.dataset)
        if "root" in paths:
            data.root = _absolute(data.root)
        for name in paths & set(data.settings):
            data.settings[name] = _absolute(data.settings[name])
        group_by = getattr(data, "group_by", None)
        if isinstance(group_by, str) and group_by.endswith(".csv"):
            data.group_by = _absolute(str(table_file(group_by, data.root)))
        cache = getattr(data, "cache", None)
        if cache and "folder" in cache:
            cache["folder"] = _absolute(cache["folder"])
    return absolute


def _absolute(value: Any) -> Any:
    """Make a path absolute without resolving links; addresses and other values stay."""
    return os.path.abspath(value) if isinstance(value, str) and "://" not in value else value


def _paths(dataset: str) -> set[str]:
    """Names of a dataset's parameters that are files or folders."""
    try:
        parameters = inspect.signature(datasets.get(dataset)).parameters
    except ConfigError:  # told where it is made
        return set()
    return {
        name
        for name, parameter in parameters.items()
        if name == "root" or any(word in str(parameter.annotation) for word in ("Path", "Names"))
    }
