"""Training transforms of a recipe's datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from densefit.data.transforms import ByDataset
from densefit.tools.recipes.data.loaders import augmenting
from densefit.tools.recipes.multi_recipe import MultiRecipe


def by_dataset(recipe: MultiRecipe, names: Sequence[str]) -> ByDataset:
    """Make the training transforms of each dataset."""
    transforms = {}
    for name in names:
        part = recipe.datasets[name]
        fitted = replace(recipe, resize=part.resize or recipe.resize)
        steps = recipe.training.augment if part.augment is None else part.augment
        transforms[name] = augmenting(steps, fitted)
    return ByDataset(transforms)
