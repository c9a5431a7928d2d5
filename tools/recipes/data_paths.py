"""The places of a recipe's data, so that its record finds them from any folder."""

from __future__ import annotations

import copy
import inspect
import os
from typing import Any, TypeVar

from densefit.data.sample import datasets
from densefit.errors import ConfigError
from densefit.tools.recipes.recipe import Recipe

Kind = TypeVar("Kind", bound=Recipe)


def placed(recipe: Kind) -> Kind:
    """A copy in which relative paths of data are absolute.

    These are the folders of datasets, those of their settings that are declared as paths, and the
    folder of a cache.
    """
    found = copy.deepcopy(recipe)
    for data in (found.data, *getattr(found, "datasets", {}).values()):
        paths = _paths(data.dataset)
        if "root" in paths:
            data.root = _absolute(data.root)
        for name in paths & set(data.settings):
            data.settings[name] = _absolute(data.settings[name])
        cache = getattr(data, "cache", None)
        if cache and "folder" in cache:
            cache["folder"] = _absolute(cache["folder"])
    return found


def _absolute(value: Any) -> Any:
    """A path from the root of the disk, links left as they are; anything else as it is."""
    return os.path.abspath(value) if isinstance(value, str) else value


def _paths(dataset: str) -> set[str]:
    """The parameters of a dataset that are files or folders."""
    try:
        parameters = inspect.signature(datasets.get(dataset)).parameters
    except ConfigError:  # told where it is made
        return set()
    return {
        name
        for name, one in parameters.items()
        if name == "root" or any(word in str(one.annotation) for word in ("Path", "Names"))
    }
