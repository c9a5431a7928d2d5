"""Transforms of a mixture that differ by dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from densefit.data.sample import Sample
from densefit.data.transforms import Compose
from densefit.data.transforms.extra_samples import Draw, apply_transform
from densefit.errors import ConfigError
from densefit.tools.recipes.data.loaders import augmenting
from densefit.tools.recipes.multi_recipe import MultiRecipe


class ByDataset:
    """Transform each sample of a mixture as its dataset prescribes.

    Args:
        transforms: name of a dataset, the first part of its sample ids -> transform.

    Attributes:
        output_size: (height, width) of all transformed images.

    Raises:
        ConfigError: the transforms give images of different sizes.
    """

    def __init__(self, transforms: Mapping[str, Compose]) -> None:
        self.transforms = dict(transforms)
        sizes = {name: transform.output_size for name, transform in self.transforms.items()}
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
        """Largest number of extra samples that a transform draws."""
        return max(transform.others for transform in self.transforms.values())

    def __call__(
        self, sample: Sample, rng: np.random.Generator, draw: Draw | None = None
    ) -> Sample:
        """Apply the transform of the sample's dataset."""
        name, _, _ = sample.id.partition("/")
        return apply_transform(self.transforms[name], sample, rng, draw)


def by_dataset(recipe: MultiRecipe, names: Sequence[str]) -> ByDataset:
    """Make the training transforms of each dataset."""
    transforms = {}
    for name in names:
        part = recipe.datasets[name]
        fitted = replace(recipe, resize=part.resize or recipe.resize)
        steps = recipe.training.augment if part.augment is None else part.augment
        transforms[name] = augmenting(steps, fitted)
    return ByDataset(transforms)
