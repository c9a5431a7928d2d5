"""Check all splits that a recipe uses, and make the report."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console

from densefit.data.sample import Dataset, datasets
from densefit.errors import MissingSplitError
from densefit.tools.data_check.check import DataCheck
from densefit.tools.data_check.mask_files import print_unread, read_masks
from densefit.tools.data_check.report import report
from densefit.tools.recipes.data.division import check_divided, read_once
from densefit.tools.recipes.data.mixed_stream import stream
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.data.splits import takes_whole
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.recipe import Model
from densefit.tools.recipes.recipe_heads import make_heads


@read_once()
def checked_report(
    recipe: MultiRecipe, deep: bool, is_recipe: bool = True
) -> tuple[DataCheck, dict[str, Any]]:
    """Check the data of a recipe completely.

    Args:
        recipe: the settings.
        deep: decode every image.
        is_recipe: whether all splits must be there; else missing ones are left out.

    Raises:
        ConfigError, DataError: a dataset, or a head whose anchors are compared, cannot be made.
    """
    data, train = recipe_data(recipe, is_recipe)
    heads: Sequence[Any] = ()
    if recipe.model.heads:
        plain = replace(recipe, model=_without_weights(recipe.model))
        first = next(iter(data.values()))
        heads = stream(plain).heads if plain.datasets else make_heads(plain.model, first)
    check = DataCheck.of(data, train)
    check.read_headers()
    if deep:
        check.decode(_Progress(sum(map(len, data.values()))))
    else:
        check.read_labels()
        print_unread(*read_masks(check))
    check.compare_images()
    check.save_cache()
    height, width = recipe.input_size
    return check, report(check, check.findings(), heads, (height, width), recipe.resize)


def _without_weights(model: Model) -> Model:
    """Leave out automatic class weights, for which all masks would be read."""

    def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: plain(value) if isinstance(value, Mapping) else value
            for key, value in settings.items()
            if not (key == "class_weights" and isinstance(value, str))
        }

    return replace(model, heads={name: plain(head) for name, head in model.heads.items()})


def recipe_data(
    recipe: MultiRecipe, is_recipe: bool = True
) -> tuple[dict[str, Dataset], list[str]]:
    """Make the datasets of all splits that a recipe uses.

    Args:
        recipe: the settings.
        is_recipe: whether all splits must be there; else missing ones are left out, and a dataset
            without splits is checked as a whole.

    Returns:
        Split (of several datasets, "<dataset>/<split>") -> dataset, the training split first; and
        the names of the splits to train on.
    """
    parts: Mapping[str, Any] = recipe.datasets or {"": recipe.data}
    data: dict[str, Dataset] = {}
    train: list[str] = []
    for name, part in parts.items():
        where, prefix = (f"datasets.{name}", f"{name}/") if name else ("data", "")
        if is_recipe:
            check_divided(part, where)
        elif _is_undivided(part, where):
            part = replace(part, splits={"all": 1.0}, train="all", validation=None, test=None)
        train.append(f"{prefix}{part.train}")
        for split in dict.fromkeys((part.train, part.validation, part.test)):
            if split is None:
                continue
            try:
                data[f"{prefix}{split}"] = make_dataset(part, split, where)
            except MissingSplitError:
                if is_recipe or split == part.train:
                    raise
    return data, train


def _is_undivided(part: Any, where: str) -> bool:
    """Whether a dataset has no splits, or not the one to train on, and can be read as a whole."""
    has_splits = "split" in inspect.signature(datasets.get(part.dataset)).parameters
    if part.splits is not None or not has_splits:
        return part.splits is None
    if not takes_whole(part.dataset):
        return False
    try:
        make_dataset(part, part.train, where)
    except MissingSplitError:
        return True
    return False


class _Progress:
    """Show on a terminal how many samples are decoded."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._is_shown = sys.stderr.isatty()
        self._console = Console(file=sys.stderr)

    def __call__(self, index: int) -> None:
        self._done += 1
        if self._is_shown and (self._done % 64 == 0 or self._done == self._total):
            end = "\n" if self._done == self._total else "\r"
            self._console.print(f"decoded {self._done}/{self._total}", end=end)
