"""Transforms of several datasets' samples, of each dataset its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from densefit.data.sample import Sample
from densefit.data.transforms import Compose
from densefit.data.transforms.extra_samples import Draw, apply_transform
from densefit.errors import ConfigError
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.recipe import augmenting


class ByDataset:
    """Transforms of a mixture's samples, by the dataset that they are of.

    Args:
        transforms: name of the dataset, with which the id of its samples begins -> transform.

    Attributes:
        output_size: (height, width) of all.

    Raises:
        ConfigError: they give pictures of different sizes.
    """

    def __init__(self, transforms: Mapping[str, Compose]) -> None:
        self.transforms = dict(transforms)
        sizes = {name: own.output_size for name, own in self.transforms.items()}
        if len(set(sizes.values())) != 1:
            raise ConfigError(
                "All batches have one input size, whatever the dataset",
                expected="crops of one height and width in the `augment` of each",
                received=", ".join(f"{name} {size}" for name, size in sizes.items()),
                where="datasets",
                fix="choose one size; random_scale_crop has a scale for each",
            )
        self.output_size = next(iter(sizes.values()))

    @property
    def others(self) -> int:
        """Further samples that one result is made of, at most."""
        return max(own.others for own in self.transforms.values())

    def __call__(
        self, sample: Sample, rng: np.random.Generator, draw: Draw | None = None
    ) -> Sample:
        """The sample, transformed as its dataset's are."""
        name, _, _ = sample.id.partition("/")
        return apply_transform(self.transforms[name], sample, rng, draw)


def by_dataset(recipe: MultiRecipe, names: Sequence[str]) -> ByDataset:
    """The random transforms of training, of each dataset its own."""
    own = {}
    for name in names:
        part = recipe.datasets[name]
        fitted = replace(recipe, resize=part.resize or recipe.resize)
        steps = recipe.training.augment if part.augment is None else part.augment
        own[name] = augmenting(steps, fitted)
    return ByDataset(own)
