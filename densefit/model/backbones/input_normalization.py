"""The normalisation of a backbone's input, which pretrained weights decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.model.backbones.backbone import MEAN, STD, Backbone, backbones

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
        _check(self.mean, self.std, "InputNormalization")

    @property
    def rgb(self) -> tuple[Channels, Channels]:
        """(mean, std) of RGB in [0, 255], as `Backbone.mean` and `Backbone.std`."""
        return self._rgb(self.mean), self._rgb(self.std)

    def _rgb(self, values: Channels) -> Channels:
        first, second, third = (round(value * self.scale, 6) for value in values)
        return (third, second, first) if self.order == "BGR" else (first, second, third)


def create_backbone(name: str, settings: Mapping[str, Any]) -> Backbone:
    """Create a registered backbone; any takes `mean` and `std` of RGB in [0, 255].

    Raises:
        ConfigError: an unknown backbone or setting, or a wrong mean or std.
    """
    rest = {key: value for key, value in settings.items() if key not in SETTINGS}
    backbone = backbones.create(name, **rest)
    if rest.keys() != settings.keys():
        set_input_normalization(
            backbone, settings.get("mean", backbone.mean), settings.get("std", backbone.std)
        )
    return backbone


def set_input_normalization(
    backbone: Backbone, mean: Sequence[float], std: Sequence[float]
) -> None:
    """Let a backbone normalise by another mean and std of RGB in [0, 255]."""
    _check(mean, std, f"backbone {backbone.name!r}")
    backbone.mean, backbone.std = _three(mean), _three(std)


def is_normalised_by(backbone: Backbone, mean: Sequence[float], std: Sequence[float]) -> bool:
    """Whether a backbone has this mean and std, to a thousandth of a grey level."""
    return bool(np.allclose([*backbone.mean, *backbone.std], [*mean, *std], rtol=0, atol=1e-3))


def _three(values: Sequence[float]) -> Channels:
    first, second, third = (float(value) for value in values)
    return first, second, third


def _check(mean: Any, std: Any, where: str) -> None:
    for name, values in (("mean", mean), ("std", std)):
        wrong = not isinstance(values, (list, tuple)) or len(values) != 3
        if wrong or not all(isinstance(value, (int, float)) for value in values):
            raise ConfigError(
                f"The {name} of an input is three numbers", received=repr(values), where=where
            )
    if not all(value > 0 for value in std):
        raise ConfigError("The std of an input is above 0", received=repr(std), where=where)


#: torchvision's, timm's default and GluonCV's.
IMAGENET = InputNormalization(MEAN, STD)
