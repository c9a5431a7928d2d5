"""Transforms of a mixture that differ by dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from densefit.data.sample import Sample
from densefit.data.transforms.extra_samples import Draw, apply_transform
from densefit.errors import ConfigError, DataError
from densefit.registry import nearest


class ByDataset:
    """Transform each sample of a `Mixture` as its dataset prescribes.

    >>> from densefit.data.transforms import RandomScaleCrop
    >>> crop = {name: RandomScaleCrop(240, 320, low=low) for name, low in (("a", 0.5), ("b", 1.0))}
    >>> ByDataset(crop).output_size
    (240, 320)

    Args:
        transforms: name of a dataset, the first part of its sample ids -> transform.

    Attributes:
        output_size: (height, width) of all transformed images; None if it varies.

    Raises:
        ConfigError: no transform, or transforms that give images of different sizes; DataError
            when called: a sample of a dataset without a transform.
    """

    def __init__(self, transforms: Mapping[str, Callable[..., Sample]]) -> None:
        self.transforms = dict(transforms)
        sizes = {name: getattr(t, "output_size", None) for name, t in self.transforms.items()}
        if len(set(sizes.values())) != 1:
            raise ConfigError(
                "All batches have one input size, whatever the dataset",
                expected="crops of one height and width for each dataset",
                received=", ".join(f"{name} {size}" for name, size in sizes.items()) or "nothing",
                where="the transform of each dataset (augment)",
                fix="choose one size; random_scale_crop has a scale for each",
            )
        self.output_size: Any = next(iter(sizes.values()))

    @property
    def others(self) -> int:
        """Largest number of extra samples that a transform draws."""
        return max(getattr(transform, "others", 0) for transform in self.transforms.values())

    def __call__(
        self, sample: Sample, rng: np.random.Generator, draw: Draw | None = None
    ) -> Sample:
        """Apply the transform of the sample's dataset."""
        name, _, _ = sample.id.partition("/")
        if name not in self.transforms:
            raise DataError(
                "The sample is of a dataset without a transform",
                expected=f"an id that begins with one of {', '.join(self.transforms)}, and /",
                received=sample.id,
                where="ByDataset",
                fix=nearest(name, self.transforms),
            )
        return apply_transform(self.transforms[name], sample, rng, draw)
