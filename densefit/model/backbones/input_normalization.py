"""The normalisation of a backbone's input, which pretrained weights decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from densefit.errors import ConfigError
from densefit.model.backbones.backbone import MEAN, STD, Backbone, check_channels

#: Settings of every backbone.
SETTINGS = ("mean", "std")
Channels = tuple[float, float, float]


@dataclass(frozen=True)
class InputNormalization:
    """How images were fed to a network that was trained: (pixel / scale - mean) / std.

    Args:
        mean: of each channel, in `order`.
        std: of each channel, in `order`.
        scale: what pixels in [0, 255] were divided by: 255 for images in [0, 1], 1 for [0, 255].
        order: RGB or BGR.
    """

    mean: Channels
    std: Channels
    scale: float = 1.0
    order: str = "RGB"

    def __post_init__(self) -> None:
        if self.order not in ("RGB", "BGR"):
            raise ConfigError("The order of channels is RGB or BGR", received=repr(self.order))
        check_channels(self.mean, self.std, "InputNormalization")

    @property
    def rgb(self) -> tuple[Channels, Channels]:
        """(mean, std) of RGB in [0, 255], as `Backbone.mean` and `Backbone.std`."""
        return self._rgb(self.mean), self._rgb(self.std)

    def _rgb(self, values: Channels) -> Channels:
        first, second, third = (round(value * self.scale, 6) for value in values)
        return (third, second, first) if self.order == "BGR" else (first, second, third)


def is_normalised_by(backbone: Backbone, mean: Sequence[float], std: Sequence[float]) -> bool:
    """Whether a backbone has this mean and std, to a thousandth of a grey level."""
    return bool(np.allclose([*backbone.mean, *backbone.std], [*mean, *std], rtol=0, atol=1e-3))


#: torchvision's, timm's default and GluonCV's.
IMAGENET = InputNormalization(MEAN, STD)
