"""Transforms to one fixed size, without chance: for evaluation and for training."""

from __future__ import annotations

import numpy as np

from densefit.data.move import GREY, Fill, crop, resize
from densefit.data.sample import Sample
from densefit.data.transform import checked_size, transforms


@transforms.register("resize")
class Resize:
    """Stretch to one size, whatever that does to the proportions."""

    def __init__(self, height: int, width: int) -> None:
        self.output_size = checked_size(height, width, "Resize")

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample at `output_size`."""
        return resize(sample, *self.output_size)

    def __repr__(self) -> str:
        return "Resize({}, {})".format(*self.output_size)


@transforms.register("letterbox")
class Letterbox:
    """Resize to fit, proportions kept, centred on a canvas of `fill`; masks get 255 there."""

    def __init__(self, height: int, width: int, fill: Fill = GREY) -> None:
        self.output_size = checked_size(height, width, "Letterbox")
        self.fill = fill

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample at `output_size`."""
        height, width = self.output_size
        old_height, old_width = sample.image.shape[:2]
        scale = min(height / old_height, width / old_width)
        new_height = min(height, max(1, round(old_height * scale)))
        new_width = min(width, max(1, round(old_width * scale)))
        sample = resize(sample, new_height, new_width)
        if (new_height, new_width) == (height, width):
            return sample
        left, top = (width - new_width) // 2, (height - new_height) // 2
        return crop(sample, -left, -top, width, height, self.fill)

    def __repr__(self) -> str:
        return "Letterbox({}, {})".format(*self.output_size)
